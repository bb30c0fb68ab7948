use super::{AccessToken, Generation, TokenError};

/// What a layer asks for the token of a request.
///
/// The two calls on the way of every request, [`try_current`](Self::try_current) and
/// [`report_rejected`](Self::report_rejected), do not wait.
///
/// [`FixedToken`](super::FixedToken) is one, with an example, and
/// [`TokenCache`](super::TokenCache).
pub trait TokenProvider: Clone + Send + Sync + 'static {
    /// The future of [`wait`](Self::wait).
    type Wait: Future<Output = Result<AccessToken, TokenError>> + Send + 'static;

    /// The token to send now, or `None` when one has to be waited for.
    fn try_current(&self) -> Option<AccessToken>;

    /// Waits for a token that is newer than `past`; [`Generation::NONE`] takes any that is valid.
    ///
    /// When the current token is `past` itself, this reports it as refused first.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the renewal that failed, shared by all who waited for it.
    ///
    /// # Cancellation
    ///
    /// Dropping the future neither stops nor repeats the renewal that it waits for.
    fn wait(&self, past: Generation) -> Self::Wait;

    /// Says that the API refused the token of this generation, and tells what that leads to.
    ///
    /// A burst of reports of one token starts one renewal; a report of a token that was replaced
    /// meanwhile starts none.
    fn report_rejected(&self, generation: Generation) -> Rejection;
}

/// What a refused token leads to.
///
/// [`Bearer`](crate::bearer) leaves it in the extensions of a 401 to a request that it has signed:
/// the answer to "why was this not tried again?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// A newer token is there already.
    Superseded,
    /// A newer token is on its way.
    Renewing,
    /// Not renewed: fresh tokens were refused one after the other, so that another one would not
    /// help either, and minting tokens in a loop gets a client disabled.
    Damped,
    /// Not renewed: the token endpoint has just failed, or has asked to be left alone.
    Cooldown,
    /// This token cannot be renewed: a fixed one, a closed cache, or no runtime to renew on.
    CannotRenew,
    /// Not reported, and so not renewed: the response names a cause that no newer token cures, such
    /// as `insufficient_scope` in its `WWW-Authenticate` (RFC 6750, section 3.1). Set by
    /// [`Bearer`](crate::bearer); a [`TokenProvider`] does not answer with it.
    NotTheToken,
}

impl Rejection {
    /// Whether sending the request once more can help.
    pub const fn is_renewable(self) -> bool {
        matches!(self, Self::Superseded | Self::Renewing)
    }
}
