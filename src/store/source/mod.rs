//! A token source that shares its tokens with other processes.
//!
//! `round.rs` is one fetch, which asks the store and follows its answers, and
//! `endpoint.rs` its calls of the token endpoint. `lease.rs` has what must end
//! even if the fetch is dropped. A fetch begins with what the process knows:
//! `member.rs` is its way to the store, `local.rs` its own token, `pauses.rs`
//! how long it waits for what.

mod endpoint;
mod lease;
mod local;
mod member;
mod pauses;
mod round;

use std::{fmt, sync::Arc, time::Duration};

use endpoint::limit;
use lease::LeaseGuard;
use member::Member;
use round::Round;
use tokio::time::{Instant, timeout_at};

use super::{
    Claim, Entry, Keyed, Lookup, Operation, Owner, ShareableSource, Sharing, StoreError,
    StoreErrorKind, StoreEvent, StoreKey,
};
use crate::{
    config_error::{ConfigError, ConfigErrorKind},
    token::{
        FetchContext, Fingerprint, IssuedToken, Reason, TokenError, TokenErrorKind, TokenSource,
    },
};

/// How often one revocation asks the store: the answer is a newer token, which
/// is revoked as well, or the lease under which the store is emptied. With
/// more, other processes fetch tokens faster than this one revokes them.
const REVOKE_TRIES: u32 = 3;
/// The longest time to read the credentials for a revocation. A lease may be
/// set to more than the clock can represent.
const LONGEST_REVOCATION: Duration = Duration::from_secs(60 * 60);

/// A [`TokenSource`] that shares tokens with other processes: one of them
/// fetches a token, all use it.
///
/// It goes between a source and the [`TokenCache`](crate::TokenCache) of a
/// process. The [module](crate::store#what-happens) says when it asks the
/// store, and what follows. Each `SharedSource` belongs to one cache and counts
/// as one process: two of them in one program wait for each other like two
/// processes.
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
/// let store = MemoryStore::new(); // replaces a store that processes share
/// let key = StoreKey::new("vault.example", "my-client-id", "vault");
/// let process = |secret: &'static str| {
///     let source = source_fn(move |_cx| async move {
///         Ok(IssuedToken::new(secret, Duration::from_secs(3600)))
///     });
///     let sharing = Sharing::unsealed(store.clone());
///     SharedSource::new(source, key, sharing).map(TokenCache::new)
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
/// A fetch returns the errors of the inner source if this process calls it, and
/// never an error of the store. In addition:
///
/// - [`Throttled`](crate::token::TokenErrorKind::Throttled) if a token request
///   must wait, and the wait would end less than two seconds before the
///   deadline: in a cooldown, and without the store in the 10 seconds after a
///   token request;
/// - [`TimedOut`](crate::token::TokenErrorKind::TimedOut) if neither this
///   process nor another one got a token before the deadline, or if reading the
///   credentials took longer than [one token request
///   may](Sharing::with_attempt_timeout).
///
/// A revocation that cannot remove the token from the store returns
/// [`Store`](crate::token::TokenErrorKind::Store).
///
/// # Cancellation
///
/// If a fetch is dropped while it has the lease, a separate task returns the
/// lease. Without a runtime, the other processes wait until the lease expires.
pub struct SharedSource<S> {
    source: S,
    member: Arc<Member>,
}

impl<T: TokenSource> SharedSource<Keyed<T>> {
    /// Shares the tokens of this source under this key.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::NotRepeatable`] if the source cannot repeat a token
    /// request, because each one uses something up, such as a rotating refresh
    /// token. [`ConfigErrorKind::Randomness`] if the system provides no
    /// randomness.
    pub fn new(source: T, key: StoreKey, sharing: Sharing) -> Result<Self, ConfigError> {
        Self::identified(Keyed::new(source, key), sharing)
    }
}

impl<S: ShareableSource> SharedSource<S> {
    /// Shares the tokens of a source that knows its key, such as
    /// [`ClientCredentials`](crate::genesys::grants::ClientCredentials).
    /// [`ShareableSource`] has an example.
    ///
    /// # Errors
    ///
    /// Those of [`new`](SharedSource::new).
    pub fn identified(source: S, sharing: Sharing) -> Result<Self, ConfigError> {
        if !source.is_repeatable() {
            return Err(not_repeatable());
        }
        let owner = Owner::random().map_err(|error| {
            let message = "sharing a token requires randomness, and the system provided none; allow this \
                           process to read it";
            ConfigError::new(ConfigErrorKind::Randomness, message).with_source(error)
        })?;
        Ok(Self {
            source,
            member: Arc::new(Member::new(sharing, owner)),
        })
    }
}

impl<S: ShareableSource> SharedSource<S> {
    /// Finds the key and the credentials, within the time of a request: the
    /// credentials may be in a vault that hangs.
    async fn identify(&self, cx: &FetchContext) -> Result<(StoreKey, S::Identity), TokenError> {
        let deadline = Instant::now().checked_add(self.member.sharing().attempt_timeout());
        let deadline = deadline.map_or(limit(cx), |deadline| deadline.min(limit(cx)));
        let identified = timeout_at(deadline, self.source.identify()).await;
        identified.map_err(|_| self.unidentified())?
    }

    fn unidentified(&self) -> TokenError {
        let message = format!(
            "the credentials were not read in time, so it is unknown which token to share; check where they are \
             kept, or allow more time with `{}`",
            self.member.sharing().limits_attempt_by()
        );
        TokenError::new(TokenErrorKind::TimedOut, message)
            .with_login_host_of(self.source.login_host())
    }
}

impl<S: ShareableSource> TokenSource for SharedSource<S> {
    /// Asks the store first, and continues without it if it has just failed or
    /// fails now. So an outage of the store costs callers one time-out, and
    /// never a token.
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let round = match self.identify(&cx).await {
            Ok((key, identity)) => Round::new(&self.source, &self.member, key, identity, cx),
            Err(error) => return self.member.spare_without_key(&cx).ok_or(error),
        };
        // A lease that is being returned would be granted again, and then end
        // under this fetch.
        self.member.wait_for_return().await;
        if !round.may_ask_store() {
            self.member.tell(&StoreEvent::Skipped {});
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

    /// Returns `true`: `limit` bounds each fetch. A second fetch beside the
    /// first has the same owner, so the store would grant it the same lease.
    fn keeps_deadline(&self) -> bool {
        true
    }
}

/// The revocation of a token that other processes have, too.
impl<S: ShareableSource> SharedSource<S> {
    /// Revokes the token of this process (`own`) and the one in the store, and
    /// then removes it from the store.
    ///
    /// This order matters: a token that was only removed from the store would
    /// stay valid unseen.
    ///
    /// # Errors
    ///
    /// That of the source if it cannot revoke the token, and
    /// [`TokenErrorKind::Store`] if the revoked token stays in the store.
    async fn end(&self, own: Option<&str>) -> Result<(), TokenError> {
        if let Some(token) = own {
            self.source.revoke(Some(token)).await?;
        }
        let time = self.member.sharing().lease.min(LONGEST_REVOCATION);
        let cx = FetchContext::new(Reason::Forced, Instant::now() + time);
        let (key, _identity) = self.identify(&cx).await?;
        let key = self.member.sharing().key(key);
        // From here on, no fetch may answer with the revoked token.
        self.member.local().forget();
        self.member.wait_for_return().await;
        let mut claim = Claim::new(self.member.owner, self.member.sharing().lease);
        claim.rejected = own.map(Fingerprint::of);
        for _ in 0..REVOKE_TRIES {
            let looked_up = self.member.look_up(key, &claim).await;
            match looked_up.map_err(left_in_store)? {
                Lookup::Token(entry) => {
                    self.end_entry(&key, &entry).await?;
                    // The next question brings a newer token, or the lease.
                    claim.rejected = Some(entry.fingerprint);
                }
                Lookup::Leased(lease) => {
                    let guard = LeaseGuard::new(&self.member, key, lease);
                    return self.take_out(guard, key).await.map_err(left_in_store);
                }
                // Another process is fetching the next token, which will
                // replace this one.
                Lookup::Busy(_) => return Ok(()),
                // A cooldown grants no lease, and without one nothing can be
                // removed.
                Lookup::Cooldown(_) => return Err(left_in_store(resting())),
            }
        }
        Err(left_in_store(overtaken()))
    }

    /// Revokes the token of another process. A value that cannot be opened is
    /// usable by no process, and is replaced.
    async fn end_entry(&self, key: &StoreKey, entry: &Entry) -> Result<(), TokenError> {
        match self.member.sharing().envelope.open(key, entry) {
            Ok(issued) => self.source.revoke(Some(issued.expose())).await,
            Err(error) => {
                let kind = error.kind();
                self.member.tell(&StoreEvent::Missed { kind });
                Ok(())
            }
        }
    }

    /// Publishes an entry without a remaining lifetime, so that the store
    /// deletes the old one. Every store can do that: no operation only deletes.
    async fn take_out(&self, mut guard: LeaseGuard, key: StoreKey) -> Result<(), StoreError> {
        let lease = *guard.lease();
        let nothing = IssuedToken::new(String::new(), Duration::ZERO);
        let envelope = &self.member.sharing().envelope;
        let entry = envelope.close(&key, lease.fence, &nothing, Duration::ZERO)?;
        let put = self.member.ask(Operation::Publish, |store| {
            Box::pin(async move { store.publish(&key, &lease, &entry).await })
        });
        put.await?;
        guard.mark_over();
        Ok(())
    }
}

impl<S: fmt::Debug> fmt::Debug for SharedSource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSource")
            .field("source", &self.source)
            .field("sharing", self.member.sharing())
            .finish_non_exhaustive()
    }
}

pub(super) fn not_repeatable() -> ConfigError {
    ConfigError::new(
        ConfigErrorKind::NotRepeatable,
        "each request of this source uses something up, such as a refresh token or a code, so its tokens cannot be \
         shared; remove the sharing, or use the grant `client_credentials`",
    )
}

fn left_in_store(error: StoreError) -> TokenError {
    let message = "the token was revoked, but could not be removed from the store (see the cause): a \
                   process that starts now gets a 401 first, and renews it; revoke again when the store \
                   can be reached";
    TokenError::new(TokenErrorKind::Store, message).with_source(error)
}

fn resting() -> StoreError {
    let message = "the token endpoint throttled or failed a process, and the store grants no lease during the pause; try again after it";
    StoreError::new(StoreErrorKind::Unavailable, message)
}

fn overtaken() -> StoreError {
    let message = "other processes publish tokens faster than this one revokes them; stop them, and try again";
    StoreError::new(StoreErrorKind::Unavailable, message)
}
