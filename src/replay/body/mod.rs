use std::{
    any::Any,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use super::{CloneBody, Remake, ReplayBodyError};
use crate::BoxError;

mod frame;
mod log;
mod memory;
mod remade;
mod source;
mod stream;
mod turns;

pub(super) use log::Caps;
use memory::{FRAME, Look, Memory};
use remade::Remade;
use stream::Stream;

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

impl<B> ReplayBody<B> {
    /// A body without content.
    pub const fn empty() -> Self {
        Self::of(Form::Empty)
    }

    const fn of(form: Form<B>) -> Self {
        Self { form, held: false }
    }

    fn in_memory(whole: Bytes) -> Self {
        // One frame goes along with the head of the request, so there is
        // nothing to revoke, and no lock.
        Self::of(match whole.len() {
            0 => Form::Empty,
            1..=FRAME => Form::Small(Some(whole)),
            _ => Form::Memory(Memory::new(whole).into()),
        })
    }
}

impl<B> ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Wraps any body, with the default caps of
    /// [`ReplayLayer`](super::ReplayLayer).
    ///
    /// A body that announces its length is polled at once, to see whether that
    /// gives the whole of it: then it is in memory already.
    pub fn new(body: B) -> Self {
        Self::with_caps(body, || None, Caps::DEFAULT)
    }

    /// As [`with_caps`](Self::with_caps); the most common body is known without
    /// a poll.
    pub(super) fn wrap(mut body: B, announced: impl FnOnce() -> Option<u64>, caps: Caps) -> Self
    where
        B: 'static,
    {
        match (&mut body as &mut dyn Any).downcast_mut::<Full<Bytes>>() {
            // By its type, since nearly every body is this one, and a poll
            // costs more than the look.
            Some(full) => mem::take(full).into(),
            None => Self::with_caps(body, announced, caps),
        }
    }

    /// `announced` is what the head of the request says of the length. It
    /// decides on the cap where the body does not say, and is asked for only
    /// then, since most bodies do. The framing stays what the body and the head
    /// make of it.
    fn with_caps(mut body: B, announced: impl FnOnce() -> Option<u64>, caps: Caps) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let hint = body.size_hint();
        let exact = hint.exact();
        let known = exact.or_else(announced);
        let cap = known.map_or(caps.unknown, |_| caps.known);
        let Some(length) = exact.filter(|length| *length > 0) else {
            return Self::of(Form::Stream(Stream::new(body, hint, known, cap).into()));
        };

        let begun = match memory::look(&mut body, length) {
            Look::Whole(whole) => return Self::in_memory(whole),
            Look::Begun(begun) => begun,
        };
        let stream = Stream::new(body, hint, known, cap);
        for (polled, told) in begun.into_iter().flatten() {
            stream.feed(polled, told);
        }
        Self::of(Form::Stream(stream.into()))
    }
}

impl<B: Body> ReplayBody<B> {
    /// Returns a body that calls `make` for each attempt, for example to open a
    /// file each time.
    ///
    /// Use it in stacks without [`ReplayLayer`](super::ReplayLayer). That layer
    /// would wrap this body as a stream. With it, give the request a
    /// [`Remake`](super::Remake) instead.
    ///
    /// Nothing of it is kept, so no cap applies, and it can be sent again
    /// whatever its size. `make` is called once here, and once for each attempt
    /// after the first, when that is polled for the first time. It must give a
    /// body with the same bytes each time; one that announces another length
    /// than the first is not sent
    /// ([`Changed`](super::ReplayBodyErrorKind::Changed)). What may fail, such
    /// as opening the file, fails best at the first poll of the body that it
    /// returns.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    /// use tower_genesys::{ReplayBody, replay::CloneBody};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let older = ReplayBody::from_fn(|| Full::new(Bytes::from_static(b"a,b,c")));
    /// let newer = older.try_clone().expect("it can always be made again");
    /// assert_eq!(older.collect().await?.to_bytes(), "a,b,c");
    /// assert_eq!(newer.collect().await?.to_bytes(), "a,b,c");
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_fn<F>(make: F) -> Self
    where
        F: Fn() -> B + Send + Sync + 'static,
    {
        Self::remade(make(), Remake::new(make))
    }

    pub(super) fn remade(first: B, remake: Remake<B>) -> Self {
        if first.is_end_stream() {
            return Self::empty();
        }
        Self::of(Form::Remade(Remade::new(first, remake.make).into()))
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

impl<B> From<Bytes> for ReplayBody<B> {
    fn from(whole: Bytes) -> Self {
        Self::in_memory(whole)
    }
}

/// So that one client, whose body is a `ReplayBody`, can also send the requests
/// for tokens.
impl<B> From<Full<Bytes>> for ReplayBody<B> {
    fn from(full: Full<Bytes>) -> Self {
        Self::in_memory(full.into_inner().unwrap_or_default())
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
