//! The response future: waiting for a token, sending, and reporting a 401.

use std::{
    fmt,
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
    /// The [module docs](super) have an example.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, P>
    where
        S: Service<Request<B>>,
        P: TokenProvider,
    {
        #[pin]
        state: State<S::Future, P, P::Wait, Box<Unsent<S, B, P>>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, P, W, U> {
        /// The slow path, without a valid token. The box keeps the future of
        /// the fast path small.
        Unsent {
            unsent: Option<U>,
            #[pin]
            stage: Stage<W>,
        },
        /// Waits for the response. `signed` is the provider and the token that
        /// the request carries, if this layer has set one.
        Sent { #[pin] response: F, signed: Option<(P, Generation)> },
        /// Returns this error at the next poll.
        Failed { error: Option<BoxError> },
        Done,
    }
}

pin_project! {
    /// What a request waits for before the send.
    #[project = StageProj]
    enum Stage<W> {
        Token { #[pin] wait: W },
        /// `slow` is true if the service was not ready at once.
        Service { token: AccessToken, slow: bool },
    }
}

/// How often a request waits for a token when each expires before the service
/// is ready.
///
/// The second wait covers a token that was close to expiry. After a third, the
/// service needs longer to become ready than tokens last, so the request goes
/// out with the last token.
const MOST_WAITS: u8 = 3;

/// The invariant of a state with a request: taking the request leaves the
/// state.
const SENT_ONCE: &str = "the request is there until it is sent";
/// The reason for the panic at a poll after the result.
const COMPLETED: &str = "a response future was polled after it had completed";

/// A request that waits for its token, and its unready service.
struct Unsent<S, B, P> {
    service: S,
    request: Request<B>,
    tokens: P,
    /// The number of waits for a token so far, at most [`MOST_WAITS`].
    waits: u8,
}

impl<S, B, P> fmt::Debug for ResponseFuture<S, B, P>
where
    S: Service<Request<B>>,
    P: TokenProvider,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B, P> ResponseFuture<S, B, P>
where
    S: Service<Request<B>>,
    P: TokenProvider,
{
    /// Follows a request that was sent without a token of this layer. A 401 to
    /// it is not reported.
    pub(super) fn unsigned(response: S::Future) -> Self {
        let signed = None;
        Self {
            state: State::Sent { response, signed },
        }
    }

    /// Follows a request that was sent with a token.
    #[inline]
    pub(super) fn signed(response: S::Future, tokens: P, generation: Generation) -> Self {
        let signed = Some((tokens, generation));
        Self {
            state: State::Sent { response, signed },
        }
    }

    /// Makes a request wait for a token. `service` is not ready.
    pub(super) fn waiting(wait: P::Wait, tokens: P, service: S, request: Request<B>) -> Self {
        let unsent = Unsent {
            service,
            request,
            tokens,
            waits: 1,
        };
        Self {
            state: State::Unsent {
                unsent: Some(Box::new(unsent)),
                stage: Stage::Token { wait },
            },
        }
    }

    /// Returns this error instead of a response.
    pub(super) fn failed(error: BoxError) -> Self {
        Self {
            state: State::failed(error),
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

    #[allow(clippy::expect_used, reason = "the messages say why they cannot fail")]
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            // A request that has to wait is signed when it is sent, never
            // before.
            let next = match this.state.as_mut().project() {
                StateProj::Unsent { unsent, stage } => {
                    let token = {
                        let unsent = unsent.as_mut().expect(SENT_ONCE);
                        ready!(unsent.poll_token(stage, cx))
                    };
                    match token {
                        Ok(token) => unsent.take().expect(SENT_ONCE).send(token),
                        Err(error) => State::failed(error),
                    }
                }
                StateProj::Sent { response, signed } => {
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
                StateProj::Failed { error } => {
                    return Poll::Ready(Err(error.take().expect(COMPLETED)));
                }
                StateProj::Done => panic!("{COMPLETED}"),
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
    /// Waits for a token, then for the service, and returns the token to send
    /// now.
    fn poll_token(
        &mut self,
        mut stage: Pin<&mut Stage<P::Wait>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<AccessToken, BoxError>>
    where
        S: Clone,
        S::Error: Into<BoxError>,
    {
        loop {
            // The token comes first, so that this request reserves nothing in
            // the service meanwhile. When the service is ready, the token is
            // checked again.
            let next = match stage.as_mut().project() {
                StageProj::Token { wait } => Stage::Service {
                    token: ready!(wait.poll(cx))?,
                    slow: false,
                },
                StageProj::Service { token, slow } => {
                    let polled = self.service.poll_ready(cx).map_err(Into::into)?;
                    *slow |= polled.is_pending();
                    ready!(polled);
                    match self.token(token, *slow) {
                        Ok(token) => return Poll::Ready(Ok(token)),
                        Err(wait) => Stage::Token { wait },
                    }
                }
            };
            stage.set(next);
        }
    }

    /// Returns the token to send through the ready service, or another wait for
    /// one.
    ///
    /// If the service was `slow`, the token may have expired meanwhile.
    fn token(&mut self, waited: &AccessToken, slow: bool) -> Result<AccessToken, P::Wait>
    where
        S: Clone,
    {
        // The current token may be newer than the one that was waited for.
        // Without one, a token of a moment ago is still good if the service was
        // ready at once.
        if let Some(token) = self.tokens.try_current() {
            return Ok(token);
        }
        if !slow || self.waits >= MOST_WAITS {
            return Ok(waited.clone());
        }
        self.waits += 1;
        // The clone replaces the ready service, which releases its reservation
        // during the wait.
        self.service = self.service.clone();
        Err(self.tokens.wait(Generation::NONE))
    }

    /// Signs the request and sends it through the ready service.
    fn send<U>(mut self, token: AccessToken) -> State<S::Future, P, P::Wait, U> {
        let value = token.header_value();
        self.request.headers_mut().insert(AUTHORIZATION, value);
        let response = self.service.call(self.request);
        State::Sent {
            response,
            signed: Some((self.tokens, token.generation())),
        }
    }
}

impl<F, P, W, U> State<F, P, W, U> {
    fn failed(error: BoxError) -> Self {
        Self::Failed { error: Some(error) }
    }
}

/// Reports the token of a request that got a 401, unless the challenge names
/// another cause, and puts the result into the response's extensions.
#[cold]
fn mark<R>(response: &mut Response<R>, tokens: &impl TokenProvider, generation: Generation) {
    // A 401 with another cause would renew a good token in vain, again and
    // again.
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
