use std::time::Duration;

use super::Terms;
use crate::store::{Owner, StoreFuture, StoreKey};

/// A place in which processes that share a rate limit reserve the times at which they send.
///
/// It keeps, for each [`StoreKey`], the slots of the last window, the processes that want some, and
/// until when the server wants to be left alone. Each operation is atomic and goes by the store's
/// clock, so that the clocks of the processes may differ. A slot is a reservation: whoever gets one
/// waits for its time, and asks nobody again.
///
/// `MemoryStore` and `RedisStore` are books; an own store returns its book from
/// [`TokenStore::book`](crate::store::TokenStore::book).
///
/// # Implementing
///
/// `book_conformance!` (feature `testing`) proves an implementation, and compares each of its
/// answers with the rules of this crate:
///
/// - Slots grow: each is later than all that were granted before.
/// - No window that ends at a slot has more slots in it than the lowest limit that was stated.
/// - An owner gets as many slots at a time as two seconds have (four, if it had none lately),
///   divided by the owners that are active, and at least one if it has none to come.
/// - While the server wants to be left alone, no slot begins.
/// - All state expires two windows after its last use.
///
/// # Errors
///
/// A [`StoreError`](crate::store::StoreError) for what went wrong with the store itself.
///
/// # Cancellation
///
/// Futures are dropped when their time is over. Slots that were granted meanwhile are lost, which
/// is two seconds of the process's share at most.
pub trait SlotBook: Send + Sync + 'static {
    /// Reserves slots. `None`: nobody has stated a limit, and neither does this.
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>>;

    /// Tells all that the server answered 429. Returns when that was by the store's clock.
    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration>;
}

/// What a process wants of a [`SlotBook`].
///
/// An example: [`book`](crate::store::book).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reservation {
    /// Who asks.
    pub owner: Owner,
    /// The limit as this process knows it. Default: `None`, it knows none.
    pub terms: Option<Terms>,
    /// How many slots. Zero only asks for the limit.
    pub want: u32,
    /// Slots that were reserved and not used. They are free for others.
    pub returned: Vec<u64>,
    /// Whether the process had slots of a book before. If that is gone, the new one grants no burst
    /// at first. Default: no.
    pub is_known: bool,
    /// Whether the process has sent without slots since its last reservation: the book then grants
    /// no burst. Default: no.
    pub was_alone: bool,
}

impl Reservation {
    /// Wants this many slots of a limit.
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

/// What a [`SlotBook`] grants.
///
/// An example: [`book`](crate::store::book).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// When that was by the store's clock: the time since 1970.
    pub now: Duration,
    /// The slots, by when they begin: microseconds since 1970 by the store's clock. They are also
    /// their names.
    pub slots: Vec<u64>,
    /// How many slots this process could have got, had it wanted as many.
    pub share: u32,
    /// How many processes are active, this one included.
    pub owners: u32,
    /// The limit in use: the lowest that was stated.
    pub limit: u32,
    /// For how much longer the server wants to be left alone.
    pub closed: Duration,
    /// What was in the book and could not be read.
    pub replaces: Option<crate::store::StoreErrorKind>,
}

impl Grant {
    /// How long after the grant this slot begins.
    pub(crate) fn wait(&self, slot: u64) -> Duration {
        Duration::from_micros(slot).saturating_sub(self.now)
    }
}

/// A 429, as a [`SlotBook`] is told of it.
///
/// An example: [`book`](crate::store::book).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The limit as this process knows it, or as the 429 has named it.
    pub terms: Terms,
    /// For how long the server wants to be left alone.
    pub wait: Duration,
}

impl Refusal {
    /// The server wants to be left alone for this long.
    pub const fn new(terms: Terms, wait: Duration) -> Self {
        Self { terms, wait }
    }
}
