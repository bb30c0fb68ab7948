//! A cache that keeps one token valid.

mod builder;
mod cell;
mod clock;
mod cooldown;
mod damper;
mod ending;
mod invalidation;
mod keep_warm;
mod machine;
mod moment;
mod renewal;
mod serving;
mod settings;
mod shared;
mod status;
mod sync;
mod thread_copy;
mod wait;

use std::{fmt, sync::Arc, time::Duration};

pub use builder::TokenCacheBuilder;
pub use invalidation::Invalidation;
pub use keep_warm::KeepWarm;
pub(crate) use moment::Moment;
pub use settings::CacheSettings;
use shared::Shared;
pub use status::CacheStatus;
pub use wait::Wait;

use super::{AccessToken, Generation, Rejection, TokenError, TokenProvider, TokenSource};

/// A cache that keeps one token valid, for any number of concurrent requests.
///
/// A clone is a handle on the same token. The cache starts nothing until a
/// caller first asks for a token, and building it needs no runtime.
///
/// A token is first *fresh*, then *due*, then *expired*. Its lifetime counts
/// from the moment at which its token request was sent. When it is due, the
/// next caller starts a renewal in the background and is served at once; when
/// it has expired, callers wait. A 401 that is
/// [reported](TokenProvider::report_rejected) makes it *refused*. [The
/// module](super#a-tokens-life) shows what a caller gets in each state.
///
/// A renewal runs in its own task, independent of any caller. All waiting
/// callers share its result, and dropping one of them changes nothing.
///
/// After a failure the cache sends the token endpoint nothing during a
/// cooldown. The cooldown grows from a quarter of a second to a minute (from 5
/// seconds to five minutes if the endpoint refuses the client). If the endpoint
/// asks for a longer one with `Retry-After`, the cache keeps to it, up to an
/// hour. (Processes that share a token have another cooldown, in their
/// [store](crate::store#what-happens).) In five minutes of failures, the
/// endpoint gets at most 24 requests (usually 15 to 19) if the cache has no
/// valid token, and at most 8 if it has one. No failure is final: after a
/// secret is rotated at run time, the cache recovers.
///
/// The cache damps renewals forced by 401s if they do not help: three without a
/// pause, then one after 10 seconds, 20, 40 and so on up to five minutes. The
/// count starts again when the API has accepted tokens for a minute.
///
/// # Panics
///
/// Waiting for a token panics on a tokio runtime that was built without its
/// time driver, or that was shut down. Outside a runtime, the wait fails with
/// [`TokenErrorKind::NoRuntime`](super::TokenErrorKind::NoRuntime).
///
/// The [module docs](super#example) have an example.
#[derive(Clone)]
pub struct TokenCache {
    shared: Arc<Shared>,
}

impl TokenCache {
    /// Creates a cache over this source, with the default [`CacheSettings`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::{
    ///     TokenCache, TokenError,
    ///     token::{IssuedToken, TokenProvider, source_fn},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), TokenError> {
    /// let hour = Duration::from_secs(3600);
    /// let cache = TokenCache::new(source_fn(move |_| async move {
    ///     Ok(IssuedToken::new("s3cr3t", hour))
    /// }));
    /// assert!(cache.try_current().is_none()); // starts a renewal
    /// assert_eq!(cache.token().await?.expose(), "s3cr3t");
    /// assert!(cache.try_current().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// Returns a builder, for other settings, an observer, or an initial token.
    pub fn builder(source: impl TokenSource) -> TokenCacheBuilder {
        TokenCacheBuilder::new(source)
    }

    /// Wraps the state that clones share.
    fn of(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Returns the current token, or waits for the next one if there is no
    /// valid token.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the renewal that failed.
    /// [`Closed`](super::TokenErrorKind::Closed) after [`close`](Self::close),
    /// and [`NoRuntime`](super::TokenErrorKind::NoRuntime) outside a tokio
    /// runtime, both only without a valid token.
    ///
    /// # Cancellation
    ///
    /// Dropping the future does not stop the renewal.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        match self.try_current() {
            Some(token) => Ok(token),
            None => self.wait(Generation::NONE).await,
        }
    }

    /// Returns a token that is valid for at least this long, and first renews
    /// one that is not. Use it for a job that cannot renew the token itself,
    /// such as a half-hour report in another process.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the renewal that failed, even if the current token
    /// is valid for a shorter time;
    /// [`TokenErrorKind::NotRenewable`](super::TokenErrorKind::NotRenewable) if
    /// no token of this source is valid that long.
    ///
    /// # Cancellation
    ///
    /// As for [`token`](Self::token).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::{
    ///     TokenCache, TokenError,
    ///     token::{IssuedToken, TokenErrorKind, source_fn},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), TokenError> {
    /// let minute = Duration::from_secs(60);
    /// let cache = TokenCache::new(source_fn(move |_| async move {
    ///     Ok(IssuedToken::new("s3cr3t", 60 * minute))
    /// }));
    /// cache.token_valid_for(30 * minute).await?;
    /// let error = cache.token_valid_for(90 * minute).await.unwrap_err();
    /// assert_eq!(error.kind(), TokenErrorKind::NotRenewable);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn token_valid_for(&self, lasting: Duration) -> Result<AccessToken, TokenError> {
        Wait::lasting(Arc::clone(&self.shared), lasting).await
    }

    /// Fetches the first token if the cache has none. Call it when a service
    /// starts, so that a configuration error shows there and not at the first
    /// request.
    ///
    /// # Errors
    ///
    /// As for [`token`](Self::token).
    ///
    /// ```
    /// use tower_genesys::{
    ///     TokenCache, TokenError,
    ///     token::{TokenErrorKind, source_fn},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let cache = TokenCache::new(source_fn(|_| async {
    ///     Err(TokenError::new(TokenErrorKind::Denied, "wrong secret"))
    /// }));
    /// let error = cache.warm_up().await.unwrap_err();
    /// assert!(!error.is_transient(), "the program should end here");
    /// # }
    /// ```
    pub async fn warm_up(&self) -> Result<(), TokenError> {
        self.token().await.map(drop)
    }

    /// Renews the token in the background even without callers, until the
    /// returned guard is dropped. While the endpoint works, a caller waits for
    /// a token only if the API refused the current one. [`KeepWarm`] has an
    /// example.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::NoRuntime`](super::TokenErrorKind::NoRuntime) outside
    /// of a tokio runtime.
    pub fn keep_warm(&self) -> Result<KeepWarm, TokenError> {
        let runtime = shared::runtime()?;
        Ok(KeepWarm::spawn(Arc::clone(&self.shared), &runtime))
    }

    /// Requests a new token at once, even during the cooldown after a failure.
    ///
    /// Use it after granting roles to the client (only new tokens carry them),
    /// after correcting a secret, or after a new login. Until the new token
    /// arrives, the cache serves the old one, if it is valid and the API has
    /// not refused it. To wait for that, call
    /// [`wait`](TokenProvider::wait)`(old.generation())`: it reports the old
    /// token as refused, so all callers wait from then on.
    ///
    /// Two limits still apply: a pause that the token endpoint asked for, and
    /// the damper, which counts these calls like renewals that 401s force. The
    /// returned [`Invalidation`] names the limit and its end. The cache then
    /// replaces its token as soon as the limit ends.
    pub fn invalidate(&self) -> Invalidation {
        self.shared.invalidate()
    }

    /// Returns the state of the cache. Starts nothing.
    ///
    /// [`CacheStatus`] has an example.
    pub fn status(&self) -> CacheStatus {
        self.shared.inspect(|machine, now| CacheStatus {
            generation: machine.token().map(AccessToken::generation),
            valid_for: machine.remaining(now),
            refused: machine.is_refused(),
            renewing: machine.renewing(),
            failures: machine.cooldown().failures(),
            last_error: machine.cooldown().last_error().cloned(),
            closed: machine.is_closed(),
        })
    }
}

impl TokenProvider for TokenCache {
    type Wait = Wait;

    #[inline]
    fn try_current(&self) -> Option<AccessToken> {
        self.shared.try_current()
    }

    fn wait(&self, past: Generation) -> Wait {
        Wait::past(Arc::clone(&self.shared), past)
    }

    fn report_rejected(&self, generation: Generation) -> Rejection {
        self.shared.report(generation)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
