//! The operations of a store, their arguments and their results.

use std::{sync::Arc, time::Duration};

use super::{Entry, Fence, Lease, Owner, StoreFuture, StoreKey, operation};
use crate::token::Fingerprint;

/// A place where one process puts a token and other processes find it.
///
/// For each [`StoreKey`], it keeps at most one [`Entry`] (a token and what
/// identifies it), one [`Lease`] (the right of one process to fetch the next
/// token) and one cooldown (a time in which no process gets a lease). Each
/// operation is atomic: if any number of processes ask for a missing token at
/// the same time, exactly one gets [`Lookup::Leased`]. The store measures each
/// lifetime by its own clock, so the clocks of the processes may differ. The
/// [module](super) says how processes use a store.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::store::{
///     Claim, Entry, Lookup, MemoryStore, Owner, Publication, StoreKey,
///     TokenStore,
/// };
/// use tower_genesys::token::Fingerprint;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let store = MemoryStore::new();
/// let key = StoreKey::new("login.mypurecloud.ie", "id", "client_credentials");
/// let claim = Claim::new(Owner::random()?, Duration::from_secs(10));
/// let Lookup::Leased(lease) = store.get_or_lease(&key, &claim).await? else {
///     unreachable!("the store is empty")
/// };
/// let day = Duration::from_secs(86_400);
/// let entry = Entry::new(lease.fence, Fingerprint::of("token"), "token", day);
/// let published = store.publish(&key, &lease, &entry).await?;
/// assert!(matches!(published, Publication::Published));
/// let found = store.get_or_lease(&key, &claim).await?;
/// assert!(matches!(found, Lookup::Token(_)));
/// # Ok(())
/// # }
/// ```
///
/// # Implementing
///
/// [`Record`](super::Record) has the rules as code, for a store that can read
/// and write a value on a condition. The macro `store_conformance!` (feature
/// `testing`) checks an implementation. Create the results with [`Entry::new`]
/// and [`Lease::new`]. The rules:
///
/// - A new lease gets a fence that is higher than the fences of the entry and
///   of every earlier lease, and higher than [`Claim::at_least`]. The fence is
///   at least the milliseconds since 1970 by the store's clock, so that fences
///   keep growing after the store loses its data.
/// - [`get_or_lease`](Self::get_or_lease) returns an entry only if
///   [`Claim::accepts`] it, whether or not a process has a lease.
/// - A lease ends when it expires, or by `publish` or `abandon`. Only its owner
///   can end it early.
/// - A value that the store cannot read, or that has another type or version,
///   counts as missing. The store reports it in [`Lease::replaces`].
///
/// # Errors
///
/// Each operation returns a [`StoreError`](super::StoreError) if the store
/// itself fails. A missing token is not an error.
///
/// # Cancellation
///
/// The process drops the future after the [time limit](Self::operation_timeout)
/// of an operation. It then does not know whether the store has executed the
/// operation. If the store has granted a lease, the next claim of the same
/// [`Owner`] gets that lease again.
pub trait TokenStore: Send + Sync + 'static {
    /// Returns a token that the claim accepts, a lease to fetch one, or the
    /// time that the process must wait.
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup>;

    /// Stores the token that the owner of a lease fetched, and ends the lease.
    ///
    /// The fences decide, even if the lease has expired: if the entry in the
    /// store has the same or a higher fence than the new one, it stays, and is
    /// returned.
    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication>;

    /// Ends a lease without a token. If there is a `cooldown`, the store grants
    /// no lease during that time.
    ///
    /// A second cooldown never shortens the first. If the lease has ended
    /// already, this is a no-op.
    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()>;

    /// Returns the time limit of one operation, unless
    /// [`Sharing::with_operation_timeout`](super::Sharing::with_operation_timeout)
    /// sets another.
    ///
    /// Default: 150 milliseconds. A server in the same network needs far less,
    /// and a caller hardly notices such a wait. The minimum is 10 milliseconds.
    fn operation_timeout(&self) -> Duration {
        operation::TIMEOUT
    }
}

/// Lets one store serve several organisations.
impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        T::get_or_lease(self, key, claim)
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        T::publish(self, key, lease, entry)
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        T::abandon(self, key, lease, cooldown)
    }

    fn operation_timeout(&self) -> Duration {
        T::operation_timeout(self)
    }
}

/// The argument of [`TokenStore::get_or_lease`]: which token a process accepts,
/// and how long it needs a lease if the store has no such token.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::store::{Claim, Entry, Fence, Owner};
/// use tower_genesys::token::Fingerprint;
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// let (print, day) = (Fingerprint::of("token"), Duration::from_secs(86_400));
/// let entry = Entry::new(Fence::new(7), print, "token", day);
/// let mut claim = Claim::new(Owner::random()?, Duration::from_secs(10));
/// assert!(claim.accepts(&entry));
/// claim.rejected = Some(print); // the API refused this token
/// assert!(!claim.accepts(&entry));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The process that asks. If it has the lease already, the store grants
    /// that lease again, with the same fence, for the full duration.
    pub owner: Owner,
    /// The lowest fence of an acceptable token. Default: any.
    pub at_least: Fence,
    /// The shortest remaining lifetime of an acceptable token. A fifth of the
    /// token's full lifetime is always enough. Default: zero.
    pub min_remaining: Duration,
    /// The token that the API refused, and that is not acceptable. Default:
    /// none.
    pub rejected: Option<Fingerprint>,
    /// The duration of the lease, if the store grants one.
    pub lease: Duration,
}

impl Claim {
    /// Creates a claim that accepts any token. If the store has none, it asks
    /// for a lease of this duration.
    pub const fn new(owner: Owner, lease: Duration) -> Self {
        Self {
            owner,
            at_least: Fence::NONE,
            min_remaining: Duration::ZERO,
            rejected: None,
            lease,
        }
    }

    /// Returns whether the token in this entry is acceptable. Every store
    /// applies this rule.
    pub fn accepts(&self, entry: &Entry) -> bool {
        entry.fence >= self.at_least
            && !entry.remaining.is_zero()
            && entry.remaining >= self.min_remaining.min(entry.lifetime / 5)
            && self.rejected != Some(entry.fingerprint)
    }
}

/// The result of [`TokenStore::get_or_lease`]. [`TokenStore`] has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Lookup {
    /// The store has a token that the claim accepts.
    Token(Entry),
    /// The store has no such token, and no process may call the token endpoint
    /// for this long.
    Cooldown(Duration),
    /// The store has no such token. The process gets the lease, and fetches
    /// one.
    Leased(Lease),
    /// The store has no such token. Another process has the lease, which lasts
    /// this much longer.
    Busy(Duration),
}

/// The result of [`TokenStore::publish`]. [`TokenStore`] has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Publication {
    /// The store has stored the entry.
    Published,
    /// The store has kept the entry that it had, because its fence is not
    /// lower. This is that entry.
    Superseded(Entry),
}
