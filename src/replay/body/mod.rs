use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{CloneBody, ReplayBodyError};
use crate::BoxError;

mod log;
mod memory;
mod remade;
mod source;
mod stream;
mod turns;
mod wrap;

use memory::Memory;
use remade::Remade;
use stream::Stream;
pub use wrap::Remake;

/// A request body that can be sent again; see the [module](super) for what each
/// kind costs.
///
/// It is `Sync` even if the body inside is not.
pub struct ReplayBody<B> {
    form: Form<B>,
    held: bool,
}

enum Form<B> {
    Empty,
    /// The whole body in one frame. Sending takes it out, so that a body
    /// without clones never has a second reference.
    Small(Option<Bytes>),
    // In boxes, since a client moves its requests a dozen times, and most
    // bodies are small.
    Memory(Box<Memory>),
    Stream(Box<Stream<B>>),
    Remade(Box<Remade<B>>),
}

/// The caps on the bytes of a stream that are kept for a resend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) unknown: usize,
    pub(super) known: usize,
}

impl Caps {
    pub(super) const DEFAULT: Self = Self {
        unknown: DEFAULT_UNKNOWN_CAP,
        known: DEFAULT_KNOWN_CAP,
    };
}

/// A stream of unknown length may be endless, so the cap is small: the kept
/// bytes of a request stay below the buffers of its connection (hyper's are 400
/// KiB).
const DEFAULT_UNKNOWN_CAP: usize = 64 * 1024;

/// A stream of known length costs nothing if it is too long, because none of it
/// is kept. One mebibyte for each of a hundred requests in flight is little for
/// a process that uploads so much. The bodies of the API's JSON endpoints are
/// well below it.
const DEFAULT_KNOWN_CAP: usize = 1024 * 1024;

impl<B> ReplayBody<B> {
    /// A body without content.
    pub const fn empty() -> Self {
        Self::of(Form::Empty)
    }

    const fn of(form: Form<B>) -> Self {
        Self { form, held: false }
    }
}

impl<B> CloneBody for ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    fn try_clone(&self) -> Option<Self> {
        Some(Self::of(match &self.form {
            Form::Empty => Form::Empty,
            Form::Small(whole) => Form::Small(Some(whole.clone()?)),
            Form::Memory(memory) => Form::Memory(memory.try_clone().into()),
            Form::Stream(stream) => Form::Stream(stream.try_clone()?.into()),
            Form::Remade(remade) => Form::Remade(remade.try_clone()?.into()),
        }))
    }

    fn is_replayable(&self) -> bool {
        match &self.form {
            Form::Empty => true,
            Form::Small(whole) => whole.is_some(),
            Form::Memory(memory) => memory.is_replayable(),
            Form::Stream(stream) => stream.is_replayable(),
            Form::Remade(remade) => remade.is_replayable(),
        }
    }

    fn is_sent(&self) -> bool {
        match &self.form {
            // One frame, which a transport takes along with the head of the
            // request.
            Form::Empty | Form::Small(_) => true,
            Form::Memory(memory) => memory.is_sent(),
            Form::Stream(stream) => stream.is_sent(),
            Form::Remade(remade) => remade.is_sent(),
        }
    }

    fn hold(&mut self) {
        self.held = true;
    }

    fn is_held(&self) -> bool {
        self.held
    }

    fn revoke_others(&self) -> bool {
        match &self.form {
            // There is no second frame that could be withheld.
            Form::Empty => true,
            Form::Small(whole) => whole.is_some(),
            Form::Memory(memory) => memory.revoke_others(),
            Form::Stream(stream) => stream.revoke_others(),
            Form::Remade(remade) => remade.revoke_others(),
        }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = ReplayBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayBodyError>>> {
        match &mut self.form {
            Form::Empty => Poll::Ready(None),
            Form::Small(whole) => Poll::Ready(whole.take().map(|whole| Ok(Frame::data(whole)))),
            Form::Memory(memory) => Poll::Ready(memory.next()),
            Form::Stream(stream) => stream.poll_frame(cx),
            Form::Remade(remade) => remade.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.form {
            Form::Empty => true,
            Form::Small(whole) => whole.is_none(),
            Form::Memory(memory) => memory.is_end_stream(),
            Form::Stream(stream) => stream.is_end_stream(),
            Form::Remade(remade) => remade.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.form {
            Form::Empty => SizeHint::with_exact(0),
            Form::Small(whole) => {
                SizeHint::with_exact(whole.as_ref().map_or(0, |whole| whole.len() as u64))
            }
            Form::Memory(memory) => memory.size_hint(),
            Form::Stream(stream) => stream.size_hint(),
            Form::Remade(remade) => remade.size_hint(),
        }
    }
}

impl<B> Default for ReplayBody<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match &self.form {
            Form::Empty => "empty",
            Form::Small(_) => "small",
            Form::Memory(_) => "in memory",
            Form::Stream(_) => "stream",
            Form::Remade(_) => "made anew",
        };
        f.debug_struct("ReplayBody")
            .field("form", &form)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}
