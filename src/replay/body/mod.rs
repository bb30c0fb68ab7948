//! [`ReplayBody`], and the choice between its forms.
//!
//! `wrap` makes a body of one of these forms. Each form knows how its clones
//! get the same bytes: `memory` shares them, `stream` keeps them in a `log`,
//! and `remade` calls a function. In all of them, `turns` decides which clone
//! may still be sent.

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

/// A request body that can be sent more than once. The
/// [module docs](crate::replay) list which bodies, and the cost of each.
///
/// [`ReplayLayer`](crate::ReplayLayer) makes it from the body of each request.
/// It is `Sync` even if the body inside is not.
pub struct ReplayBody<B> {
    form: Form<B>,
    /// Set by [`CloneBody::mark_kept`]; clones start without it.
    kept: bool,
}

/// How a body gets its bytes, and gets them again for a clone.
///
/// The larger forms are in boxes, because a client moves its requests many
/// times, and most bodies are `Small`.
enum Form<B> {
    /// A body without frames.
    Empty,
    /// The whole body in one frame. Sending takes it out, so that a body
    /// without clones never has a second reference.
    Small(Option<Bytes>),
    /// An in-memory body that is sent in several frames.
    Memory(Box<Memory>),
    /// A body whose frames are kept while they are sent.
    Stream(Box<Stream<B>>),
    /// A body that a function makes for each attempt.
    Remade(Box<Remade<B>>),
}

/// The caps on the bytes of a stream that are kept for a resend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// For streams of unknown length: more than this is not kept.
    pub(super) unknown: usize,
    /// For streams of known length: nothing is kept of a longer one.
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
    /// Creates a body without content.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body::Body;
    /// use http_body_util::Full;
    /// use tower_genesys::ReplayBody;
    ///
    /// assert!(ReplayBody::<Full<Bytes>>::empty().is_end_stream());
    /// ```
    pub const fn empty() -> Self {
        Self::of(Form::Empty)
    }

    const fn of(form: Form<B>) -> Self {
        Self { form, kept: false }
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
            // A transport takes a single frame with the head of the request, so
            // a response proves that it is sent.
            Form::Empty | Form::Small(_) => true,
            Form::Memory(memory) => memory.is_sent(),
            Form::Stream(stream) => stream.is_sent(),
            Form::Remade(remade) => remade.is_sent(),
        }
    }

    fn mark_kept(&mut self) {
        self.kept = true;
    }

    fn is_kept(&self) -> bool {
        self.kept
    }

    fn revoke_others(&self) -> bool {
        match &self.form {
            // An older clone has no second frame that could be withheld, so
            // there is nothing to invalidate.
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
            Form::Remade(_) => "remade",
        };
        f.debug_struct("ReplayBody")
            .field("form", &form)
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}
