//! A response body, and how much of it is collected.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};

/// A response body that has been collected in full, in part or not at all.
///
/// The [module docs](super#what-is-collected) list the cases. It yields the
/// frames of the inner body, in order and unchanged.
pub struct CollectedBody<R: Body> {
    /// The collected frames that are not yielded yet.
    frames: VecDeque<Frame<R::Data>>,
    /// The number of data bytes in these frames.
    buffered: u64,
    /// The inner body, until it has ended.
    rest: Option<Pin<Box<R>>>,
}

/// The result of collecting.
pub(super) enum Progress<E> {
    /// The body has ended.
    Whole,
    /// The frames exceed the cap.
    OverCap,
    Broken(E),
}

impl<R: Body> CollectedBody<R> {
    /// Wraps a body of which no frame is collected yet.
    ///
    /// The body is in a box, so that a collected response is small and can be
    /// moved while its body is polled.
    pub(super) fn new(body: R) -> Self {
        Self {
            frames: VecDeque::new(),
            buffered: 0,
            rest: Some(Box::pin(body)),
        }
    }

    /// Returns the number of data bytes in the collected frames.
    pub(super) const fn buffered(&self) -> u64 {
        self.buffered
    }

    /// Returns false if the body states that it is empty or longer than the
    /// cap.
    pub(super) fn is_worth_collecting(&self, cap: usize) -> bool {
        !self.is_end_stream() && self.size_hint().lower() <= cap as u64
    }

    /// Collects frames up to the cap. `taken` is their memory: the data, and
    /// the size of the frames themselves.
    pub(super) fn poll_collect(
        &mut self,
        cx: &mut Context<'_>,
        taken: &mut usize,
        cap: usize,
    ) -> Poll<Progress<R::Error>> {
        // The cap is checked after each frame, because its size is unknown
        // before: so a body takes at most the cap and one frame.
        while let Some(rest) = &mut self.rest {
            let frame = match ready!(rest.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Progress::Broken(error)),
                None => {
                    self.rest = None;
                    break;
                }
            };
            let data = frame.data_ref().map_or(0, Buf::remaining);
            self.buffered += data as u64;
            self.frames.push_back(frame);
            *taken = taken.saturating_add(data + size_of::<Frame<R::Data>>());
            if *taken > cap {
                return Poll::Ready(Progress::OverCap);
            }
        }
        Poll::Ready(Progress::Whole)
    }
}

impl<R: Body> Body for CollectedBody<R> {
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<R::Data>, R::Error>>> {
        if let Some(frame) = self.frames.pop_front() {
            self.buffered -= frame.data_ref().map_or(0, Buf::remaining) as u64;
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest = self.rest.as_ref();
        self.frames.is_empty() && rest.is_none_or(|rest| rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref().map(|rest| rest.size_hint());
        let rest = rest.unwrap_or_else(|| SizeHint::with_exact(0));
        // If the sum exceeds `u64::MAX`, the upper bound is left out.
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(self.buffered));
        if let Some(upper) = rest.upper().and_then(|it| it.checked_add(self.buffered)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// Frames are never pinned, and the inner body is pinned in a box.
impl<R: Body> Unpin for CollectedBody<R> {}

impl<R: Body> fmt::Debug for CollectedBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectedBody")
            .field("buffered", &self.buffered)
            .field("whole", &self.rest.is_none())
            .finish_non_exhaustive()
    }
}
