use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::challenge;
use crate::{
    BoxError,
    replay::Renewable,
    token::{AccessToken, Generation, Rejection, TokenProvider},
};

pin_project! {
    /// The response future of [`Bearer`](super::Bearer).
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, P>
    where
        S: Service<Request<B>>,
        P: TokenProvider,
    {
        #[pin]
        state: State<S, S::Future, B, P, P::Wait>,
    }
}

pin_project! {
    #[project = StateProj]
    #[project_replace = StateOwn]
    enum State<S, F, B, P, W> {
        // The slow path: no token was there. `service` is not ready.
        Waiting { #[pin] wait: W, tokens: P, service: S, request: Request<B> },
        Readying { token: AccessToken, tokens: P, service: S, request: Request<B> },
        Sent { #[pin] response: F, signed: Option<(P, Generation)> },
        Failed { error: BoxError },
        Done,
    }
}

impl<S, B, P> ResponseFuture<S, B, P>
where
    S: Service<Request<B>>,
    P: TokenProvider,
{
    pub(super) fn unsigned(response: S::Future) -> Self {
        Self {
            state: State::Sent {
                response,
                signed: None,
            },
        }
    }

    pub(super) fn signed(response: S::Future, tokens: P, generation: Generation) -> Self {
        Self {
            state: State::Sent {
                response,
                signed: Some((tokens, generation)),
            },
        }
    }

    pub(super) fn waiting(wait: P::Wait, tokens: P, service: S, request: Request<B>) -> Self {
        Self {
            state: State::Waiting {
                wait,
                tokens,
                service,
                request,
            },
        }
    }

    pub(super) fn failed(error: BoxError) -> Self {
        Self {
            state: State::Failed { error },
        }
    }
}

impl<S, B, P, R> Future for ResponseFuture<S, B, P>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    P: TokenProvider,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Waiting { wait, .. } => {
                    let token = match ready!(wait.poll(cx)) {
                        Ok(token) => token,
                        Err(error) => {
                            state.set(State::Done);
                            return Poll::Ready(Err(error.into()));
                        }
                    };
                    if let StateOwn::Waiting {
                        tokens,
                        service,
                        request,
                        ..
                    } = state.as_mut().project_replace(State::Done)
                    {
                        state.set(State::Readying {
                            token,
                            tokens,
                            service,
                            request,
                        });
                    }
                }
                StateProj::Readying { service, .. } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        state.set(State::Done);
                        return Poll::Ready(Err(error.into()));
                    }
                    if let StateOwn::Readying {
                        token,
                        tokens,
                        mut service,
                        mut request,
                    } = state.as_mut().project_replace(State::Done)
                    {
                        // It may have taken its time to become ready.
                        let token = tokens.try_current().unwrap_or(token);
                        request
                            .headers_mut()
                            .insert(AUTHORIZATION, token.header_value());
                        let response = service.call(request);
                        let signed = Some((tokens, token.generation()));
                        state.set(State::Sent { response, signed });
                    }
                }
                StateProj::Sent { response, signed } => {
                    let result = ready!(response.poll(cx)).map_err(Into::into);
                    let signed = signed.take();
                    state.set(State::Done);
                    return Poll::Ready(result.map(|response| mark(response, signed)));
                }
                StateProj::Failed { .. } => {
                    if let StateOwn::Failed { error } = state.as_mut().project_replace(State::Done)
                    {
                        return Poll::Ready(Err(error));
                    }
                }
                StateProj::Done => return Poll::Pending,
            }
        }
    }
}

/// Reports the token of a request that got a 401, unless something else is to blame, and says on
/// the response what that led to.
fn mark<P, R>(mut response: Response<R>, signed: Option<(P, Generation)>) -> Response<R>
where
    P: TokenProvider,
{
    let Some((tokens, generation)) = signed else {
        return response;
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        let rejection = if challenge::clears_token(response.headers()) {
            Rejection::NotTheToken
        } else {
            tokens.report_rejected(generation)
        };
        response.extensions_mut().insert(rejection);
        if rejection.is_renewable() {
            response.extensions_mut().insert(Renewable);
        }
    }
    response
}
