//! A token source that shares its tokens with other processes.

mod leader;
mod lease;
mod link;
mod local;
mod pauses;
mod request;
mod revocation;
mod round;

use std::{fmt, sync::Arc};

use link::Link;
use request::limit;
use round::Round;
use tokio::time::{Instant, timeout_at};

use super::{
    Keyed, Owner, ShareableSource, Sharing, SharingError, SharingErrorKind, StoreEvent, StoreKey,
};
use crate::token::{FetchContext, IssuedToken, TokenError, TokenErrorKind, TokenSource};

/// A [`TokenSource`] that shares tokens with other processes: one of them
/// fetches a token, all use it.
///
/// It goes between a source and the [`TokenCache`](crate::TokenCache) of a
/// process; the [module](crate::store) says what happens when. Each
/// `SharedSource` counts as one process and belongs to one cache: two of them
/// wait for each other like two processes.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{
///     Sharing, TokenCache, store::{MemoryStore, SharedSource, StoreKey},
///     token::{IssuedToken, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let store = MemoryStore::new(); // between processes, one that they all reach
/// let key = StoreKey::new("vault.example", "my-client-id", "client_credentials");
/// let process = |secret: &'static str| {
///     let source = source_fn(move |_cx| async move {
///         Ok(IssuedToken::new(secret, Duration::from_secs(3600)))
///     });
///     SharedSource::new(source, key, Sharing::unsealed(store.clone())).map(TokenCache::new)
/// };
/// let (one, other) = (process("first")?, process("second")?);
/// assert_eq!(one.token().await?.expose(), "first");
/// assert_eq!(other.token().await?.expose(), "first");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of the inner source, if this process calls it. Never an error of the
/// store. Besides:
///
/// - [`Throttled`](crate::token::TokenErrorKind::Throttled) during a cooldown
///   of the token endpoint, and if this process is without the store and called
///   the endpoint shortly before;
/// - [`TimedOut`](crate::token::TokenErrorKind::TimedOut) if neither this
///   process nor another one got a token in time, or if reading the credentials
///   took longer than one request may.
///
/// # Cancellation
///
/// If a fetch is dropped while it has the lease, a separate task gives the
/// lease back. Without a runtime, the other processes wait until the lease
/// expires.
pub struct SharedSource<S> {
    source: S,
    link: Arc<Link>,
}

impl<T: TokenSource> SharedSource<Keyed<T>> {
    /// Shares the tokens of this source under this key.
    ///
    /// # Errors
    ///
    /// [`SharingErrorKind::NotRepeatable`] if the source cannot repeat its
    /// request, because each one uses something up, such as a rotating refresh
    /// token. [`SharingErrorKind::Randomness`] if the system provides no
    /// randomness.
    pub fn new(source: T, key: StoreKey, sharing: Sharing) -> Result<Self, SharingError> {
        Self::identified(Keyed::new(source, key), sharing)
    }
}

impl<S: ShareableSource> SharedSource<S> {
    /// Shares the tokens of a source that knows its key, such as
    /// [`ClientCredentials`](crate::genesys::grants::ClientCredentials).
    ///
    /// # Errors
    ///
    /// Those of [`new`](SharedSource::new).
    pub fn identified(source: S, sharing: Sharing) -> Result<Self, SharingError> {
        if !source.is_repeatable() {
            return Err(not_repeatable());
        }
        let owner = Owner::random().map_err(|error| {
            let message = "sharing a token requires randomness, and the system provided none; allow this \
                           process to read it";
            SharingError::new(SharingErrorKind::Randomness, message).with_source(error)
        })?;
        Ok(Self {
            source,
            link: Arc::new(Link::new(sharing, owner)),
        })
    }
}

impl<S: ShareableSource> SharedSource<S> {
    /// Finds the key, within the time of a request: the credentials may be in a
    /// vault that hangs.
    async fn identify(&self, cx: &FetchContext) -> Result<(StoreKey, S::Identity), TokenError> {
        let deadline = Instant::now().checked_add(self.link.sharing().attempt_timeout());
        let deadline = deadline.map_or(limit(cx), |deadline| deadline.min(limit(cx)));
        let identified = timeout_at(deadline, self.source.identify()).await;
        identified.map_err(|_| self.unidentified())?
    }

    fn unidentified(&self) -> TokenError {
        let message = format!(
            "the credentials were not read in time, so it is unknown which token to share; check where they are \
             kept, or allow more time with `{}`",
            self.link.sharing().limits_attempt_by()
        );
        TokenError::new(TokenErrorKind::TimedOut, message)
            .with_login_host_of(self.source.login_host())
    }
}

impl<S: ShareableSource> TokenSource for SharedSource<S> {
    /// The store comes first, and the process goes alone where the store has
    /// just failed or fails now. So an outage of the store costs callers one
    /// time-out, and never a token.
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let round = match self.identify(&cx).await {
            Ok((key, identity)) => Round::new(&self.source, &self.link, key, identity, cx),
            Err(error) => return self.link.unidentified(&cx).ok_or(error),
        };
        self.link.given_back().await;
        if !round.may_ask_store() {
            self.link.tell(&StoreEvent::Skipped {});
            return round.alone(None).await;
        }
        match round.together().await {
            Ok(result) => result,
            Err(lost) => round.alone(lost).await,
        }
    }

    fn login_host(&self) -> Option<&str> {
        self.source.login_host()
    }

    async fn revoke(&self, token: Option<&str>) -> Result<(), TokenError> {
        self.end(token).await
    }

    fn keeps_deadline(&self) -> bool {
        true
    }
}

impl<S: fmt::Debug> fmt::Debug for SharedSource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSource")
            .field("source", &self.source)
            .field("sharing", self.link.sharing())
            .finish_non_exhaustive()
    }
}

pub(super) fn not_repeatable() -> SharingError {
    SharingError::new(
        SharingErrorKind::NotRepeatable,
        "each request of this source uses something up, such as a refresh token or a code, so its tokens cannot be \
         shared; remove the sharing, or use the grant `client_credentials`",
    )
}
