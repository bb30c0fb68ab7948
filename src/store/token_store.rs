use std::{sync::Arc, time::Duration};

use super::{Entry, Fence, Lease, Owner, StoreFuture, StoreKey, book::SlotBook};
use crate::token::Fingerprint;

/// A place that processes share, where one of them puts a token for all.
///
/// It holds, for each [`StoreKey`], at most one [`Entry`], at most one lease, and perhaps a
/// cooldown. Each operation is atomic: of any number of processes that ask at the same time for a
/// token that is not there, one gets [`Lookup::Leased`]. It decides by its own clock alone how long
/// anything still lives, so that the clocks of the processes may differ.
///
/// # Implementing
///
/// `store_conformance!` (feature `testing`) proves an implementation. What it returns is made by
/// [`Entry::new`] and [`Lease::new`]. The rules:
///
/// - The fence of a new lease is above that of the entry, of every earlier lease, and above
///   [`Claim::at_least`]; and not below the store's clock in milliseconds, so that fences go on
///   growing when a store has lost everything.
/// - An entry is handed out by [`get_or_lease`](Self::get_or_lease) only when [`Claim`] accepts it.
///   Whether somebody has a lease at that time does not matter.
/// - A lease ends by its time, by `publish` and by `abandon`; only its owner can end it early.
/// - What cannot be read, or is of another type or version, is as if it were not there. A store
///   that notices says so in [`Lease::replaces`].
///
/// # Errors
///
/// Each operation has a [`StoreError`] for what went wrong with the store itself. A token that is
/// not there is no error.
///
/// # Cancellation
///
/// Futures are dropped when their time is over. Whether the operation was carried out is then
/// unknown: a lease that was granted meanwhile is recognised by its [`Owner`].
pub trait TokenStore: Send + Sync + 'static {
    /// The token that does for this claim; or who else is getting one; or else the right to get
    /// one.
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup>;

    /// Puts the token there that the holder of a lease has got, and ends the lease.
    ///
    /// The fence of the entry decides, not the lease, which may be over: an entry of the same or a
    /// higher fence stays, and is returned.
    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication>;

    /// Ends a lease without a token. `cooldown`: for how long nobody shall be granted another one.
    ///
    /// A cooldown never gets shorter by a second one. Without the lease, nothing happens.
    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()>;

    /// How long an operation may take where
    /// [`Sharing::with_operation_timeout`](super::Sharing::with_operation_timeout) does not say.
    /// Default: 150 milliseconds, many times what a server in the same network needs, and little
    /// for a caller. At least 10.
    fn operation_timeout(&self) -> Duration {
        Duration::from_millis(150)
    }

    /// The same store as a book of slots, for a [`Limit`](crate::store::Limit) that processes share.
    /// Default: `None`, it is none.
    fn book(self: Arc<Self>) -> Option<Arc<dyn SlotBook>> {
        None
    }
}

/// So that one store can serve several organisations.
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

    fn book(self: Arc<Self>) -> Option<Arc<dyn SlotBook>> {
        T::book(Self::clone(&self))
    }
}

/// What a process wants of a [`TokenStore`], and what it would not take.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// Who asks. A lease that is already theirs is granted again, with the same fence and the whole
    /// time.
    pub owner: Owner,
    /// The lowest fence of an entry that will do. Default: any.
    pub at_least: Fence,
    /// How much of an entry's life must be left, but never more than a fifth of its whole. Default:
    /// nothing.
    pub min_remaining: Duration,
    /// A token that will not do, since the API has refused it. Default: none.
    pub rejected: Option<Fingerprint>,
    /// How long the lease lasts if it is granted.
    pub lease: Duration,
}

impl Claim {
    /// Takes any entry, and else wants a lease for this long.
    pub const fn new(owner: Owner, lease: Duration) -> Self {
        Self {
            owner,
            at_least: Fence::NONE,
            min_remaining: Duration::ZERO,
            rejected: None,
            lease,
        }
    }

    /// Whether this entry will do. The rule that every store keeps.
    pub fn accepts(&self, entry: &Entry) -> bool {
        entry.fence >= self.at_least
            && !entry.remaining.is_zero()
            && entry.remaining >= self.min_remaining.min(entry.lifetime / 5)
            && self.rejected != Some(entry.fingerprint)
    }
}

/// What a [`TokenStore`] has to say to a [`Claim`].
///
/// An example: [`store`](crate::store).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Lookup {
    /// Here is a token that does.
    Token(Entry),
    /// The token endpoint wants to be left alone for this long.
    Cooldown(Duration),
    /// There is none: go and get one.
    Leased(Lease),
    /// There is none, and somebody else is getting one; they have this much time left.
    Busy(Duration),
}

/// What became of an [`Entry`] that was to be published.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Publication {
    /// It is there, for all.
    Published,
    /// Somebody who was granted the lease later was faster; this is theirs.
    Superseded(Entry),
}
