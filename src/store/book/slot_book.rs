//! The operations of a book, their arguments and their result.

use std::{sync::Arc, time::Duration};

use super::Terms;
use crate::store::{Owner, StoreFuture, StoreKey};

/// A book in which processes that share a rate limit reserve slots for their
/// sends.
///
/// A slot is the right to send one request. The book grants each slot to one
/// process, its owner, and sets the time at which the slot begins. The owner
/// waits until then, and sends without asking again. The [module](super) says
/// how processes use a book.
///
/// For each [`StoreKey`], a book keeps the slots that began in the last window
/// ([`Terms::WINDOW`]) or have not begun, the active owners, and the end of the
/// server's last `Retry-After`. Each operation is atomic and uses the store's
/// clock, so the clocks of the processes may differ.
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
/// - Each slot begins later than all slots that were granted before.
/// - The window that ends at a new slot contains at most as many slots as the
///   limit in use allows: the lowest limit that a process states.
/// - An owner can reserve its share of the next two seconds: the slots that the
///   limit allows in that time, divided by the number of active owners. It gets
///   at least one slot if it has none that begins later, and at most 1000 in
///   one reservation.
/// - Time in which no owner wants a slot is saved up, to the burst of [`Terms`]
///   at most. The slots of a burst begin at once, and the owners get equal
///   parts of them.
/// - No slot begins before the server's `Retry-After` is over.
/// - All state expires two windows after the last operation, the last slot and
///   the end of the `Retry-After`, whichever is latest.
///
/// # Errors
///
/// A [`StoreError`](crate::store::StoreError) if the store itself fails.
///
/// # Cancellation
///
/// The process drops the future after the time limit of an operation
/// ([`Limit::with_operation_timeout`](crate::store::Limit::with_operation_timeout)).
/// If the book grants slots nevertheless, they stay unused: at most two seconds
/// of the process's share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` keeps no book for a shared limit",
    note = "use a `RedisStore`, or give each process its part with `OrgBuilder::process_limit`"
)]
pub trait SlotBook: Send + Sync + 'static {
    /// Reserves slots. Returns `None` if neither this reservation nor an
    /// earlier one states a limit.
    ///
    /// Grants no more slots than the owner's share. An owner that wants more
    /// reserves again when it has used these.
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>>;

    /// Reports a 429, so that later grants tell all processes. Returns the time
    /// of the report by the store's clock, since 1970.
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

/// The argument of [`SlotBook::reserve`]: the slots that a process wants, and
/// those that it returns. [`SlotBook`] has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reservation {
    /// The process that reserves.
    pub owner: Owner,
    /// The limit that this process states. `None` if it knows none: the book
    /// then grants no slots, and reports the limit that other processes state.
    pub terms: Option<Terms>,
    /// The number of slots that the process wants.
    pub want: u32,
    /// Earlier slots that the process did not use, by their [`Grant::slots`].
    /// They no longer count towards the limit. Default: none.
    pub returned: Vec<u64>,
    /// Whether the process got slots from the book in the last two windows. If
    /// the book is empty all the same, it was lost, and the new one begins
    /// without a burst. Default: no.
    pub is_known: bool,
    /// Whether the process has sent without slots since its last grant. The
    /// book then grants no burst. Default: no.
    pub was_alone: bool,
}

impl Reservation {
    /// Creates a reservation of this many slots.
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

/// The result of [`SlotBook::reserve`]. [`SlotBook`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The time of the grant by the store's clock, since 1970.
    pub now: Duration,
    /// The begin of each granted slot, in microseconds since 1970 by the
    /// store's clock. It also identifies the slot.
    pub slots: Vec<u64>,
    /// The owner's share: the number of slots that it would have got if it had
    /// wanted them all.
    pub share: u32,
    /// The number of active processes, including this one.
    pub owners: u32,
    /// The limit in use, in sends a minute: the lowest that any process states.
    pub limit: u32,
    /// The time until the server's `Retry-After` is over. Zero without one.
    pub closed: Duration,
    /// The fault of an unreadable book that this one replaces, if there was
    /// one.
    pub replaces: Option<crate::store::StoreErrorKind>,
}

impl Grant {
    /// Returns the time from the grant to the begin of this slot.
    pub(crate) fn wait(&self, slot: u64) -> Duration {
        Duration::from_micros(slot).saturating_sub(self.now)
    }
}

/// The argument of [`SlotBook::refuse`]: the report of a 429. [`SlotBook`] has
/// an example.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The limit that the 429 names, or else the one that this process states.
    pub terms: Terms,
    /// The server's `Retry-After`: how long clients must wait.
    pub wait: Duration,
}

impl Refusal {
    /// Creates the report of a 429 with this `Retry-After`.
    pub const fn new(terms: Terms, wait: Duration) -> Self {
        Self { terms, wait }
    }
}
