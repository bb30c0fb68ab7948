//! A source that asks the other processes first.

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

/// A [`TokenSource`] that gets tokens together with other processes: one of them asks, all of them
/// use.
///
/// It goes between the source and the [`TokenCache`](crate::TokenCache) of each process. See the
/// [module](crate::store) for what happens when. One `SharedSource` stands for one process, and
/// goes into one cache: two of them wait for each other like two processes.
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
/// Those of the inner source, when this process asks it.
/// [`Throttled`](crate::token::TokenErrorKind::Throttled) while the token endpoint wants to be left alone
/// by the whole fleet, and when this process is alone and has asked shortly before;
/// [`TimedOut`](crate::token::TokenErrorKind::TimedOut) when neither it nor another process got a token in
/// time, or the credentials were not to be had within the time of one request. Never one of the
/// store.
///
/// # Cancellation
///
/// A fetch that is dropped while it gets a token for all gives that up in a task of its own, if
/// there is a runtime; otherwise the others wait until its lease is over.
pub struct SharedSource<S> {
    source: S,
    link: Arc<Link>,
}

impl<T: TokenSource> SharedSource<Keyed<T>> {
    /// Shares the tokens of this source under this key.
    ///
    /// # Errors
    ///
    /// [`SharingErrorKind::NotRepeatable`] for a source each of whose requests spends something,
    /// such as a rotating refresh token; [`SharingErrorKind::Randomness`] when the system has none.
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
    /// As for [`new`](SharedSource::new).
    pub fn identified(source: S, sharing: Sharing) -> Result<Self, SharingError> {
        if !source.is_repeatable() {
            return Err(not_repeatable());
        }
        let owner = Owner::random().map_err(|error| {
            let message = "to share a token takes randomness, and the system has none to give; check \
                           that this process may use it";
            SharingError::new(SharingErrorKind::Randomness, message).with_source(error)
        })?;
        Ok(Self {
            source,
            link: Arc::new(Link::new(sharing, owner)),
        })
    }
}

impl<S: ShareableSource> SharedSource<S> {
    /// Whose token it will be, under the time-out of a request: the credentials may be in a vault
    /// that hangs.
    async fn identify(&self, cx: &FetchContext) -> Result<(StoreKey, S::Identity), TokenError> {
        let deadline = Instant::now().checked_add(self.link.sharing().attempt_timeout());
        let deadline = deadline.map_or(limit(cx), |deadline| deadline.min(limit(cx)));
        let identified = timeout_at(deadline, self.source.identify()).await;
        identified.map_err(|_| self.unidentified())?
    }

    fn unidentified(&self) -> TokenError {
        let message = format!(
            "the credentials, or what else says whose token it will be, were not there in time; check where they \
             are kept, or allow it more with `{}`",
            self.link.sharing().limits_attempt_by()
        );
        TokenError::new(TokenErrorKind::TimedOut, message)
            .with_login_host_of(self.source.login_host())
    }
}

impl<S: ShareableSource> TokenSource for SharedSource<S> {
    /// The store comes first, and the process goes alone where the store has just failed or fails now.
    /// So an outage of the store costs callers one time-out, and never a token.
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
        "each request of this source spends something, such as a refresh token or a code, so that its tokens cannot be \
         shared; leave the sharing out, or use the grant `client_credentials`",
    )
}
