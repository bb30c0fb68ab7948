//! One token, kept valid.

mod builder;
mod cell;
mod clock;
mod cooldown;
mod damper;
mod invalidation;
mod keep_warm;
mod machine;
mod moment;
mod renewal;
mod serving;
mod settings;
mod shared;
mod stamp;
mod status;
mod sync;
mod thread_copy;
mod visible;
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

/// Keeps one token valid, for any number of requests at a time.
///
/// A clone is a handle on the same token. Nothing happens until a token is first asked for, and
/// building a cache needs no runtime.
///
/// A token has two times, both counted from the moment the request for it was sent. When it is
/// *due*, the next caller starts a renewal in the background and is served at once; when it has
/// *expired*, callers wait. A 401 that is [reported](TokenProvider::report_rejected) makes it
/// *refused*. [The module](super#a-tokens-life) shows what a caller gets in each state.
///
/// A renewal runs in its own task and belongs to no caller: all waiting callers share its result,
/// and dropping one changes nothing. After a failure the cache leaves the token endpoint alone, for
/// a quarter of a second at first and up to a minute (five minutes if the client is refused), and
/// never for less than `Retry-After` says. While the endpoint fails for five minutes, it is asked at
/// most 24 times without a valid token (mostly 15 to 19), and at most 8 times with one. No failure is
/// final, so a secret rotated at run time heals by itself. Renewals forced by 401s are damped if they
/// do not help: three, then one in 10 seconds, 20, 40 and so on to five minutes, until tokens have
/// been accepted for a minute.
///
/// # Panics
///
/// Waiting for a token panics on a tokio runtime that was built without its time driver, or was shut
/// down. Outside of any, it is [`TokenErrorKind::NoRuntime`](super::TokenErrorKind::NoRuntime).
///
/// There is an example in the [module docs](super).
#[derive(Clone)]
pub struct TokenCache {
    shared: Arc<Shared>,
}

impl TokenCache {
    /// A cache over this source, with the default [`CacheSettings`].
    pub fn new(source: impl TokenSource) -> Self {
        Self::builder(source).build()
    }

    /// For a cache with other settings, an observer, or a token to begin with.
    pub fn builder(source: impl TokenSource) -> TokenCacheBuilder {
        TokenCacheBuilder::new(source)
    }

    fn of(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A valid token: the one that is there, or the next.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the renewal that failed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the renewal that it waits for alone.
    pub async fn token(&self) -> Result<AccessToken, TokenError> {
        match self.try_current() {
            Some(token) => Ok(token),
            None => self.wait(Generation::NONE).await,
        }
    }

    /// A token that is valid for at least this much longer, for a job that cannot renew it: a
    /// report of half an hour in another process, say. One that is not is renewed first.
    ///
    /// # Errors
    ///
    /// The [`TokenError`] of the renewal that failed, even if there is a token that is valid for
    /// less; [`TokenErrorKind::NotRenewable`](super::TokenErrorKind::NotRenewable) when tokens do
    /// not live that long.
    ///
    /// # Cancellation
    ///
    /// As for [`token`](Self::token).
    pub async fn token_valid_for(&self, lasting: Duration) -> Result<AccessToken, TokenError> {
        Wait::lasting(Arc::clone(&self.shared), lasting).await
    }

    /// Fetches the first token if there is none, so that a wrong configuration shows at the start
    /// of a service, and not at its first request.
    ///
    /// # Errors
    ///
    /// As for [`token`](Self::token).
    pub async fn warm_up(&self) -> Result<(), TokenError> {
        self.token().await.map(drop)
    }

    /// Renews the token from now on also while nobody calls, so that no caller ever waits for one.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::NoRuntime`](super::TokenErrorKind::NoRuntime) outside of a tokio runtime.
    pub fn keep_warm(&self) -> Result<KeepWarm, TokenError> {
        let runtime = shared::runtime()?;
        Ok(KeepWarm::spawn(Arc::clone(&self.shared), &runtime))
    }

    /// Replaces the token: asks for a new one at once, also after failures.
    ///
    /// Use it after roles were granted to the client, which only new tokens carry, and after a
    /// secret was corrected or somebody has logged in again. A valid token that the API has not
    /// refused is served until the new one is there;
    /// [`wait`](TokenProvider::wait)`(old.generation())` waits for that.
    ///
    /// Two things keep the cache from asking: a token endpoint that wants to be left alone, and the
    /// damper, which limits this as it limits renewals that 401s force. The answer says which, and
    /// until when. A token that is held is then replaced as soon as that is over.
    pub fn invalidate(&self) -> Invalidation {
        self.shared.invalidate()
    }

    /// Ends the token: at the service, in the store if it is shared with other processes, and here.
    ///
    /// For jobs and programs that log out, so that no token lives on for a day. The next who asks
    /// gets another token; [`close`](Self::close) the cache if there shall be none. Other processes
    /// that share the token meet a 401, and replace it together, by one token request.
    ///
    /// If this process has no token, the one in the store is ended.
    ///
    /// # Errors
    ///
    /// | kind | what has happened |
    /// |---|---|
    /// | [`Store`](super::TokenErrorKind::Store) | the token has ended; only the store was not reached, and still has it |
    /// | [`TimedOut`](super::TokenErrorKind::TimedOut), [`Transport`](super::TokenErrorKind::Transport) | unknown: the service was not reached, or did not answer |
    /// | [`NotRevocable`](super::TokenErrorKind::NotRevocable), all others | nothing: the token is as it was |
    ///
    /// Unless it has ended, the cache keeps the token, so that this can be called again.
    ///
    /// # Cancellation
    ///
    /// A future that is dropped may have ended the token. The cache then still serves it, until a
    /// 401 says so.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use http_body_util::Full;
    /// # use tower_genesys::{Credentials, Org, testing::MockGenesys};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::new();
    /// # let org = Org::builder(mock.region())
    /// #     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
    /// #     .build(mock.http_client())?;
    /// org.tokens().token().await?;
    /// assert_eq!(mock.live_tokens(), 1);
    /// org.tokens().revoke().await?;
    /// assert_eq!(mock.live_tokens(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke(&self) -> Result<(), TokenError> {
        self.shared.revoke().await
    }

    /// How the cache stands now. Starts nothing.
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

    /// Ends renewals for good, and waits until the one under way has ended.
    ///
    /// A token that is still valid is served until it expires; without one, callers get
    /// [`TokenErrorKind::Closed`](super::TokenErrorKind::Closed).
    pub async fn close(&self) {
        self.shared.close().await;
    }

    /// [`close`](Self::close) without waiting.
    pub(crate) fn end(&self) {
        self.shared.end();
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
