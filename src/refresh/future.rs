//! The response future: which layer replays after a 401, and the replay itself.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::replay::{CloneBody, Drain, Renewable, RequestCopy, Resend, Unreplayed};

pin_project! {
    /// The response future of [`Refresh`](super::Refresh).
    ///
    /// The [module docs](super) have an example.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S::Future, R, Box<RequestCopy<B, S>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, R, C> {
        /// Waits for a response, of the first send or of the replay.
        Sent {
            #[pin]
            response: F,
            resender: Resender<C>,
        },
        /// Reads the old response to its end, then waits until the service is
        /// ready for the copy.
        Draining {
            #[pin]
            drain: Drain<R>,
            copy: Option<C>,
        },
    }
}

/// Which layer can replay the request in flight.
enum Resender<C> {
    /// This layer has the copy.
    Here(C),
    /// A layer further out has the copy.
    Outside,
    /// No layer has one.
    Impossible(Unreplayed),
}

impl<S, B, R> fmt::Debug for ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    /// Follows a send of which this layer keeps the copy.
    pub(super) fn kept_here(response: S::Future, copy: Box<RequestCopy<B, S>>) -> Self {
        Self::sent(response, Resender::Here(copy))
    }

    /// Follows a send of which a layer outside keeps the copy.
    #[inline]
    pub(super) fn kept_outside(response: S::Future) -> Self {
        Self::sent(response, Resender::Outside)
    }

    /// Follows a send that cannot be replayed.
    pub(super) fn once(response: S::Future) -> Self {
        Self::sent(response, Resender::Impossible(Unreplayed::BodyGone))
    }

    #[inline]
    fn sent(response: S::Future, resender: Resender<Box<RequestCopy<B, S>>>) -> Self {
        Self {
            state: State::Sent { response, resender },
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: CloneBody,
    R: Body,
{
    type Output = Result<Response<R>, S::Error>;

    #[allow(clippy::expect_used, reason = "the messages say why they cannot fail")]
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Sent { response, resender } => {
                    let mut result = ready!(response.poll(cx));
                    let response = result.as_mut().ok();
                    let Some(copy) = response.and_then(|response| resender.take(response)) else {
                        return Poll::Ready(result);
                    };
                    State::Draining {
                        drain: Drain::new(result?, copy.body().is_sent()),
                        copy: Some(copy),
                    }
                }
                StateProj::Draining { drain, copy } => {
                    // Returns at once if the body has ended already.
                    ready!(drain.poll(cx));
                    let kept = copy.as_mut().expect(SENT_ONCE);
                    ready!(kept.service().poll_ready(cx))?;
                    State::Sent {
                        response: send(*copy.take().expect(SENT_ONCE)),
                        resender: Resender::Impossible(Unreplayed::AlreadyReplayed),
                    }
                }
            };
            this.state.set(next);
        }
    }
}

/// The invariant of the draining state: the send that takes the copy leaves the
/// state.
const SENT_ONCE: &str = "the copy is there until it is sent";

/// Sends the only copy through the service that is ready for it.
fn send<S: Service<Request<B>>, B: CloneBody>(copy: RequestCopy<B, S>) -> S::Future {
    let (mut request, mut service) = copy.into_parts();
    // Prevents a third send by a layer further in.
    request.body_mut().mark_kept();
    service.call(request)
}

impl<S, B: CloneBody> Resender<Box<RequestCopy<B, S>>> {
    /// Returns the copy if this response leads to a replay. If there is a newer
    /// token but no replay, puts the reason into the response.
    fn take<R>(&mut self, response: &mut Response<R>) -> Option<Box<RequestCopy<B, S>>> {
        response.extensions().get::<Renewable>()?;
        // The outermost layer that can replay does so; the others only mark the
        // response. So one 401 leads to at most one replay, with any number of
        // layers.
        let reason = match mem::replace(self, Self::Impossible(Unreplayed::AlreadyReplayed)) {
            Self::Here(copy) if copy.claim() => {
                tracing::debug!("the token was refused: sending the request once more");
                return Some(copy);
            }
            Self::Here(_) => Unreplayed::BodyGone,
            Self::Impossible(reason) => reason,
            Self::Outside => {
                response.extensions_mut().insert(Resend);
                return None;
            }
        };
        // A refresh layer further in may have asked for a resend; this layer
        // answers it.
        response.extensions_mut().remove::<Resend>();
        response.extensions_mut().insert(reason);
        None
    }
}
