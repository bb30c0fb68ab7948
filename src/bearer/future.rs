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
    ///
    /// There is an example in the [module docs](super).
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, P>
    where
        S: Service<Request<B>>,
        P: TokenProvider,
    {
        #[pin]
        state: State<S::Future, P, P::Wait>,
        // In a box: else each answer would drag along the room for a request that has to wait.
        unsent: Option<Box<Unsent<S, B, P>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, P, W> {
        // The slow path: no token was there.
        Waiting { #[pin] wait: W },
        Readying { token: AccessToken, slow: bool },
        Sent { #[pin] response: F, signed: Option<(P, Generation)> },
        Failed { error: Option<BoxError> },
        Done,
    }
}

/// How often a request waits for a token when each expires before the service is ready.
///
/// The second time is for a token that was near its end. After a third, the service takes longer
/// to become ready than tokens last, and the request is better sent with the last of them.
const MOST_WAITS: u8 = 3;

/// A request that waits for its token, and the service for it, which is not ready.
struct Unsent<S, B, P> {
    service: S,
    request: Request<B>,
    tokens: P,
    waits: u8,
}

impl<S, B, P> ResponseFuture<S, B, P>
where
    S: Service<Request<B>>,
    P: TokenProvider,
{
    pub(super) fn unsigned(response: S::Future) -> Self {
        let signed = None;
        Self {
            state: State::Sent { response, signed },
            unsent: None,
        }
    }

    #[inline]
    pub(super) fn signed(response: S::Future, tokens: P, generation: Generation) -> Self {
        let signed = Some((tokens, generation));
        Self {
            state: State::Sent { response, signed },
            unsent: None,
        }
    }

    pub(super) fn waiting(wait: P::Wait, tokens: P, service: S, request: Request<B>) -> Self {
        let unsent = Unsent {
            service,
            request,
            tokens,
            waits: 1,
        };
        Self {
            state: State::Waiting { wait },
            unsent: Some(Box::new(unsent)),
        }
    }

    pub(super) fn failed(error: BoxError) -> Self {
        let error = Some(error);
        Self {
            state: State::Failed { error },
            unsent: None,
        }
    }
}

impl<S, B, P, R> Future for ResponseFuture<S, B, P>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    P: TokenProvider,
{
    type Output = Result<Response<R>, BoxError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match (this.state.as_mut().project(), this.unsent.as_mut()) {
                (StateProj::Waiting { wait }, _) => match ready!(wait.poll(cx)) {
                    Ok(token) => State::Readying { token, slow: false },
                    Err(error) => failed(error),
                },
                (StateProj::Readying { token, slow }, Some(unsent)) => {
                    match unsent.service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => match unsent.token(token, *slow) {
                            Ok(token) => {
                                this.unsent.take().map_or(State::Done, |it| it.send(token))
                            }
                            Err(wait) => State::Waiting { wait },
                        },
                        Poll::Ready(Err(error)) => failed(error),
                        Poll::Pending => {
                            *slow = true;
                            return Poll::Pending;
                        }
                    }
                }
                (StateProj::Sent { response, signed }, _) => {
                    let mut result = ready!(response.poll(cx));
                    if let (Ok(response), Some((tokens, generation))) = (&mut result, signed) {
                        if response.status() == StatusCode::UNAUTHORIZED {
                            mark(response, tokens, *generation);
                        }
                    }
                    this.state.set(State::Done);
                    return match result {
                        Ok(response) => Poll::Ready(Ok(response)),
                        Err(error) => Poll::Ready(Err(error.into())),
                    };
                }
                (StateProj::Failed { error }, _) => match error.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => State::Done,
                },
                (StateProj::Readying { .. } | StateProj::Done, _) => return Poll::Pending,
            };
            this.state.set(next);
        }
    }
}

impl<S, B, P> Unsent<S, B, P>
where
    S: Service<Request<B>>,
    P: TokenProvider,
{
    /// The token to send, now that the service is ready, or another wait for one.
    ///
    /// A `slow` service may have taken so long that the token that was waited for has expired.
    fn token(&mut self, waited: &AccessToken, slow: bool) -> Result<AccessToken, P::Wait>
    where
        S: Clone,
    {
        if let Some(token) = self.tokens.try_current() {
            return Ok(token);
        }
        if !slow || self.waits >= MOST_WAITS {
            return Ok(waited.clone());
        }
        self.waits += 1;
        // Whatever it has reserved goes back while this waits.
        self.service = self.service.clone();
        Err(self.tokens.wait(Generation::NONE))
    }

    fn send(mut self, token: AccessToken) -> State<S::Future, P, P::Wait> {
        let value = token.header_value();
        self.request.headers_mut().insert(AUTHORIZATION, value);
        let response = self.service.call(self.request);
        State::Sent {
            response,
            signed: Some((self.tokens, token.generation())),
        }
    }
}

fn failed<F, P, W>(error: impl Into<BoxError>) -> State<F, P, W> {
    State::Failed {
        error: Some(error.into()),
    }
}

/// Reports the token of a request that got a 401, unless something else is to blame, and says on
/// the response what that led to.
#[cold]
fn mark<R>(response: &mut Response<R>, tokens: &impl TokenProvider, generation: Generation) {
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
