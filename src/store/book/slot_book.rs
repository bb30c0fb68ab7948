//! The operations of a book, their arguments and their result.

use std::{sync::Arc, time::Duration};

use super::Terms;
use crate::store::{Owner, StoreFuture, StoreKey};

/// A book in which processes that share a rate limit reserve the times of their
/// sends.
///
/// For each [`StoreKey`], it keeps the slots of the last window, the processes
/// that want slots, and the end of the server's last `Retry-After`. Each
/// operation is atomic and uses the store's clock, so the clocks of the
/// processes may differ. A slot is a reservation: its owner waits for the
/// slot's time, and then sends without asking again.
///
/// `MemoryStore` and `RedisStore` are books.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::store::{
///     MemoryStore, Owner, StoreKey,
///     book::{Refusal, Reservation, SlotBook, Terms},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let book = MemoryStore::new();
/// let key = StoreKey::new("login.mypurecloud.ie", "id", "client_credentials");
/// let terms = Terms::new(300, 75); // 300 a minute, 75 of them at once
/// let ten = Reservation::new(Owner::random()?, Some(terms), 10);
/// let grant = book.reserve(&key, &ten).await?.expect("a limit is stated");
/// assert_eq!((grant.slots.len(), grant.limit, grant.owners), (10, 300, 1));
///
/// let refusal = Refusal::new(terms, Duration::from_secs(3));
/// book.refuse(&key, &refusal).await?; // after a 429
/// let grant = book.reserve(&key, &ten).await?.expect("a limit is stated");
/// assert!(grant.closed > Duration::from_secs(2));
/// # Ok(())
/// # }
/// ```
///
/// # Implementing
///
/// The macro `book_conformance!` (feature `testing`) checks an implementation,
/// and compares each of its answers with the rules of this crate:
///
/// - Slots grow: each is later than all slots granted before.
/// - No window that ends at a slot contains more slots than the lowest limit
///   that was stated.
/// - An owner gets the slots of two seconds at a time (of four, if it had none
///   lately), divided by the number of active owners. It gets at least one if
///   it has none to come.
/// - No slot begins before the server's `Retry-After` is over.
/// - All state expires two windows after its last use.
///
/// # Errors
///
/// A [`StoreError`](crate::store::StoreError) if the store itself fails.
///
/// # Cancellation
///
/// A caller drops the future when its time is up. Slots that were granted
/// meanwhile are lost: at most two seconds of the process's share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` keeps no book for a shared limit",
    note = "use a `RedisStore`, or give each process its part with `OrgBuilder::process_limit`"
)]
pub trait SlotBook: Send + Sync + 'static {
    /// Reserves slots. Returns `None` if neither this reservation nor an
    /// earlier one states a limit.
    ///
    /// It may grant fewer slots than requested: the owner's share. The owner
    /// asks again when it has used them.
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>>;

    /// Reports a 429 to all processes. Returns the time of the report by the
    /// store's clock.
    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration>;
}

/// Lets one book serve several organisations.
impl<T: SlotBook + ?Sized> SlotBook for Arc<T> {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        T::reserve(self, key, reservation)
    }

    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration> {
        T::refuse(self, key, refusal)
    }
}

/// The request of a process to a [`SlotBook`], which has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reservation {
    /// The process that asks.
    pub owner: Owner,
    /// The limit as this process knows it. Default: `None`, unknown.
    pub terms: Option<Terms>,
    /// The number of slots. Zero only asks for the limit.
    pub want: u32,
    /// Slots that the process reserved and did not use. They become free for
    /// others.
    pub returned: Vec<u64>,
    /// Whether the process had slots of a book before. If the book was lost,
    /// the new one then grants no burst at first. Default: no.
    pub is_known: bool,
    /// Whether the process has sent without slots since its last reservation.
    /// The book then grants no burst. Default: no.
    pub was_alone: bool,
}

impl Reservation {
    /// Asks for this many slots of a limit.
    pub const fn new(owner: Owner, terms: Option<Terms>, want: u32) -> Self {
        Self {
            owner,
            terms,
            want,
            returned: Vec::new(),
            is_known: false,
            was_alone: false,
        }
    }
}

/// The answer of a [`SlotBook`], which has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The time of the grant by the store's clock, since 1970.
    pub now: Duration,
    /// The begin of each slot, in microseconds since 1970 by the store's clock.
    /// It also identifies the slot.
    pub slots: Vec<u64>,
    /// The largest number of slots that this process could have got. An owner
    /// that wants more waits for its next share.
    pub share: u32,
    /// The number of active processes, including this one.
    pub owners: u32,
    /// The limit in use: the lowest that any process states.
    pub limit: u32,
    /// The rest of the server's `Retry-After`.
    pub closed: Duration,
    /// The fault of an unreadable book that this one replaces.
    pub replaces: Option<crate::store::StoreErrorKind>,
}

impl Grant {
    /// Returns the time from the grant to the begin of this slot.
    pub(crate) fn wait(&self, slot: u64) -> Duration {
        Duration::from_micros(slot).saturating_sub(self.now)
    }
}

/// A report of a 429 to a [`SlotBook`], which has an example.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The limit as this process knows it, or as the 429 names it.
    pub terms: Terms,
    /// How long the server asks clients to wait.
    pub wait: Duration,
}

impl Refusal {
    /// Reports that the server asks clients to wait this long.
    pub const fn new(terms: Terms, wait: Duration) -> Self {
        Self { terms, wait }
    }
}
