use super::{AccessToken, Generation, TokenError};

/// The interface through which a layer gets the token of each request.
///
/// The methods on the path of every request, [`try_current`](Self::try_current)
/// and [`report_rejected`](Self::report_rejected), do not wait.
///
/// Implementations are [`TokenCache`](super::TokenCache) and
/// [`FixedToken`](super::FixedToken), which shows the methods in an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide tokens to a layer",
    note = "put a `TokenCache` around a `TokenSource`: `TokenCache::new(source)`",
    note = "for an `Org`, use `BearerLayer::per_request(org)`"
)]
pub trait TokenProvider: Clone + Send + Sync + 'static {
    /// The future of [`wait`](Self::wait).
    type Wait: Future<Output = Result<AccessToken, TokenError>> + Send + 'static;

    /// Returns the token to send now, or `None` if the caller must wait for
    /// one.
    fn try_current(&self) -> Option<AccessToken>;

    /// Waits for a token that is newer than `past`. [`Generation::NONE`]
    /// accepts any valid token.
    ///
    /// If the current token is `past` itself, this first reports it as refused.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the renewal that failed; all callers that waited
    /// for it get the same one.
    /// [`NotRenewable`](super::TokenErrorKind::NotRenewable) if `past` was
    /// refused and is not renewed now.
    ///
    /// # Cancellation
    ///
    /// Dropping the future neither stops nor repeats the renewal.
    fn wait(&self, past: Generation) -> Self::Wait;

    /// Reports that the API refused the token of this generation, and returns
    /// what follows.
    ///
    /// A burst of reports of one token starts one renewal. A report of a token
    /// that was replaced meanwhile starts none.
    fn report_rejected(&self, generation: Generation) -> Rejection;
}

/// The consequence of a refused token: whether it is renewed, and if not, why.
///
/// [`Bearer`](crate::bearer) puts it into the extensions of a 401 to a request
/// that it has signed. It tells why the request was not resent.
///
/// ```
/// use http::{Response, StatusCode};
/// use tower_genesys::token::Rejection;
///
/// fn advice<B>(response: &Response<B>) -> &'static str {
///     match response.extensions().get() {
///         Some(Rejection::Damped) => "fresh tokens are refused, too",
///         Some(rejection) if rejection.is_renewable() => "repeat the call",
///         Some(_) => "not renewed",
///         None => "not signed by this stack",
///     }
/// }
///
/// let mut response = Response::new(());
/// *response.status_mut() = StatusCode::UNAUTHORIZED;
/// assert_eq!(advice(&response), "not signed by this stack");
/// response.extensions_mut().insert(Rejection::Renewing);
/// assert_eq!(advice(&response), "repeat the call");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The cache already has a newer token.
    Superseded,
    /// A renewal is in flight.
    Renewing,
    /// Not renewed: the API refused several fresh tokens in a row, so another
    /// one would not help, and Genesys disables clients that mint tokens in a
    /// loop.
    Damped,
    /// Not renewed: the token endpoint has just failed, or asked for a pause.
    Cooldown,
    /// Not renewable: a fixed token, a closed cache, or no tokio runtime.
    CannotRenew,
    /// Not reported, and not renewed: the response names a cause that a newer
    /// token does not change, such as `insufficient_scope` in its
    /// `WWW-Authenticate` (RFC 6750, section 3.1). Set by
    /// [`Bearer`](crate::bearer); a [`TokenProvider`] never returns it.
    NotTheToken,
}

impl Rejection {
    /// Returns whether resending the request can help.
    pub const fn is_renewable(self) -> bool {
        matches!(self, Self::Superseded | Self::Renewing)
    }
}
