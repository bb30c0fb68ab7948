//! A body that follows a script.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Fail,
    /// Pending until [`Remote::push`] adds a step or the next poll takes the
    /// following one.
    Pending,
    Panic,
}

/// Controls a [`Script`] from outside, and counts its polls and drops.
#[derive(Clone, Default)]
pub(crate) struct Remote(Arc<Shared>);

#[derive(Default)]
struct Shared {
    steps: Mutex<VecDeque<Step>>,
    open: Mutex<bool>,
    waker: Mutex<Option<Waker>>,
    polls: AtomicUsize,
    drops: AtomicUsize,
}

pub(crate) struct Script {
    remote: Remote,
    exact: Option<u64>,
    tells_end: bool,
    // `ReplayBody` must accept bodies that are `Send` but not `Sync`.
    _not_sync: std::marker::PhantomData<std::cell::Cell<()>>,
}

impl Remote {
    /// Adds a step, and wakes the task that waits for it.
    pub(crate) fn push(&self, step: Step) {
        self.0.steps.lock().unwrap().push_back(step);
        self.wake();
    }

    /// Ends the body after the steps given so far.
    pub(crate) fn close(&self) {
        *self.0.open.lock().unwrap() = false;
        self.wake();
    }

    pub(crate) fn wake(&self) {
        let waker = self.0.waker.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn drops(&self) -> usize {
        self.0.drops.load(Ordering::SeqCst)
    }
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let script = Self {
            remote: Remote::default(),
            exact: None,
            tells_end: false,
            _not_sync: std::marker::PhantomData,
        };
        *script.remote.0.steps.lock().unwrap() = steps.into_iter().collect();
        script
    }

    pub(crate) fn of(chunks: &[&'static str]) -> Self {
        Self::new(chunks.iter().map(|chunk| data(chunk)))
    }

    /// Makes the body pending, not ended, after its last step.
    pub(crate) fn open(self) -> Self {
        *self.remote.0.open.lock().unwrap() = true;
        self
    }

    pub(crate) fn with_exact(mut self, length: u64) -> Self {
        self.exact = Some(length);
        self
    }

    /// Makes `is_end_stream` true with the last frame.
    pub(crate) fn telling_end(mut self) -> Self {
        self.tells_end = true;
        self
    }

    pub(crate) fn remote(&self) -> Remote {
        self.remote.clone()
    }
}

pub(crate) fn data(chunk: &'static str) -> Step {
    Step::Data(Bytes::from_static(chunk.as_bytes()))
}

pub(crate) fn trailers(value: &'static str) -> Step {
    let mut map = HeaderMap::new();
    map.insert("checksum", HeaderValue::from_static(value));
    Step::Trailers(map)
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let shared = &self.remote.0;
        shared.polls.fetch_add(1, Ordering::SeqCst);
        let step = shared.steps.lock().unwrap().pop_front();
        let pending = match step {
            Some(Step::Data(chunk)) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Some(Step::Trailers(map)) => return Poll::Ready(Some(Ok(Frame::trailers(map)))),
            Some(Step::Fail) => return Poll::Ready(Some(Err(io::Error::other("script")))),
            Some(Step::Panic) => panic!("script"),
            Some(Step::Pending) => true,
            None => *shared.open.lock().unwrap(),
        };
        if !pending {
            return Poll::Ready(None);
        }
        *shared.waker.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let shared = &self.remote.0;
        let polled = shared.polls.load(Ordering::SeqCst) > 0;
        self.tells_end
            && polled
            && !*shared.open.lock().unwrap()
            && shared.steps.lock().unwrap().is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.remote.0.drops.fetch_add(1, Ordering::SeqCst);
    }
}
