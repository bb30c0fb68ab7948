use std::{
    mem,
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
    /// There is an example in the [module docs](super).
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S::Future, R>,
        copy: Copy<S, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, R> {
        Sent { #[pin] response: F },
        Draining { #[pin] drain: Drain<R> },
        Readying,
    }
}

impl<F, R> State<F, R> {
    fn sent(response: F) -> Self {
        Self::Sent { response }
    }
}

/// The copy for the resend.
enum Copy<S, B> {
    Kept(Box<RequestCopy<B, S>>),
    /// A layer further out keeps the copy.
    Held,
    None(Unreplayed),
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    pub(super) fn kept(response: S::Future, copy: Box<RequestCopy<B, S>>) -> Self {
        Self {
            state: State::Sent { response },
            copy: Copy::Kept(copy),
        }
    }

    #[inline]
    pub(super) fn held(response: S::Future) -> Self {
        Self {
            state: State::Sent { response },
            copy: Copy::Held,
        }
    }

    pub(super) fn once(response: S::Future) -> Self {
        Self {
            state: State::Sent { response },
            copy: Copy::None(Unreplayed::BodyGone),
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

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Sent { response } => {
                    let mut result = ready!(response.poll(cx));
                    let again = result.as_mut().ok();
                    let again = again.and_then(|response| again_after(response, this.copy));
                    let Some(sent) = again else {
                        return Poll::Ready(result);
                    };
                    let drain = Drain::new(result?, sent);
                    this.state.set(State::Draining { drain });
                }
                StateProj::Draining { drain } => {
                    ready!(drain.poll(cx));
                    this.state.set(State::Readying);
                }
                StateProj::Readying => {
                    let Copy::Kept(copy) = &mut *this.copy else {
                        return Poll::Pending;
                    };
                    ready!(copy.service().poll_ready(cx))?;
                    let response = send_copy(this.copy);
                    this.state
                        .set(response.map_or(State::Readying, State::sent));
                }
            }
        }
    }
}

/// Sends the only copy through the service that is ready for it.
fn send_copy<S: Service<Request<B>>, B: CloneBody>(copy: &mut Copy<S, B>) -> Option<S::Future> {
    match mem::replace(copy, Copy::None(Unreplayed::AlreadyReplayed)) {
        Copy::Kept(copy) => {
            let (mut request, mut service) = copy.into_parts();
            // Keeps a layer further in from making a third send.
            request.body_mut().hold();
            Some(service.call(request))
        }
        Copy::Held | Copy::None(_) => None,
    }
}

/// Whether the response leads to a resend, and if so, whether the request was sent completely. If
/// not, the response gets the reason.
fn again_after<S, B: CloneBody, R>(response: &mut Response<R>, copy: &Copy<S, B>) -> Option<bool> {
    response.extensions().get::<Renewable>()?;
    let reason = match copy {
        Copy::Kept(copy) if copy.claim() => {
            tracing::debug!("the token was refused: sending the request once more");
            return Some(copy.body().is_sent());
        }
        Copy::Kept(_) => Unreplayed::BodyGone,
        Copy::None(reason) => *reason,
        Copy::Held => {
            response.extensions_mut().insert(Resend);
            return None;
        }
    };
    // A refresh layer further in may have asked for a resend; this layer answers it.
    response.extensions_mut().remove::<Resend>();
    response.extensions_mut().insert(reason);
    None
}
