//! The checks of a [`SlotBook`]: one that compares hundreds of random
//! reservations with the rules of this crate, and three for what random order
//! may not reach.

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use futures_util::future::join_all;

use super::{fresh_key, owner};
use crate::store::{
    Owner,
    book::{Book, Grant, Refusal, Reservation, SlotBook, Terms},
};

/// Generates a test for each rule of a
/// [`SlotBook`](crate::store::book::SlotBook).
///
/// It takes the attribute of an async test, and an async block that creates a
/// book. The main check makes hundreds of random reservations. It compares each
/// result with the rules of this crate, at the time that the result states.
///
/// ```
/// mod conformance {
///     # use tower_genesys as _;
///     use tower_genesys::store::MemoryStore;
///
///     tower_genesys::book_conformance! {
///         #[tokio::test(start_paused = true)]
///         async { MemoryStore::new() }
///     }
/// }
/// ```
#[macro_export]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
macro_rules! book_conformance {
    ($(#[$attribute:meta])+ $store:expr) => {
        $crate::store_conformance! { @each [$(#[$attribute])+] [$store]
            answers_are_those_of_the_rules
            concurrent_reservations_get_different_slots
            books_of_two_keys_are_apart
            a_reservation_without_a_limit_changes_nothing
        }
    };
}

/// Asks the book, which must be reachable.
async fn reserve(
    book: &impl SlotBook,
    key: &crate::store::StoreKey,
    ask: &Reservation,
) -> Option<Grant> {
    let granted = book.reserve(key, ask).await;
    granted.expect("the book can be asked")
}

/// Returns a reservation under a limit of 300 a minute.
fn ask(owner: Owner, want: u32) -> Reservation {
    Reservation::new(owner, Some(Terms::new(300, 75)), want)
}

/// Checks that random reservations in any order get the slots that the rules
/// give.
///
/// The rules are this crate's `Book`, which its own stores use. The check
/// replays each operation on one, at the time that the result states, so the
/// book's clock may run in any way.
pub async fn answers_are_those_of_the_rules(book: &impl SlotBook) {
    for seed in 0..4 {
        let mut rng = Rng::with_seed(seed);
        let (key, mut model) = (fresh_key(), Book::default());
        let owners: Vec<_> = (0..5).map(|_| owner()).collect();
        let mut granted_to: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        // Small limits, so that windows fill up within the check, and one large
        // one.
        let limit = [3, 40, 300, 100_000][usize::try_from(seed).unwrap_or(0)];
        for _ in 0..150 {
            let who = rng.usize(..owners.len());
            let stated = if rng.u8(..20) == 0 { limit / 2 } else { limit };
            let terms = Terms::new(stated, limit / 4);
            if rng.u8(..30) == 0 {
                let refusal = Refusal::new(terms, Duration::from_micros(rng.u64(..50_000)));
                let now = book.refuse(&key, &refusal).await;
                model.refuse(&refusal, now.expect("the book can be told"));
                continue;
            }
            let mut ask = Reservation::new(owners[who], Some(terms), rng.u32(..30));
            if rng.u8(..10) == 0 {
                ask.terms = None;
            }
            ask.is_known = rng.bool();
            ask.was_alone = rng.u8(..20) == 0;
            if rng.u8(..4) == 0 {
                ask.returned = granted_to.remove(&who).unwrap_or_default();
            }
            let granted = reserve(book, &key, &ask).await;
            // The book's clock is its own, so the model takes the time from the
            // result.
            let now = granted.as_ref().map(|grant| grant.now);
            let expected = now.and_then(|now| model.reserve(&ask, now));
            assert_eq!(granted, expected, "{ask:?} of seed {seed}");
            let slots = granted.map(|grant| grant.slots).unwrap_or_default();
            granted_to.entry(who).or_default().extend(slots);
        }
    }
}

/// Checks that the book grants each slot once, also to concurrent reservations.
///
/// A slot that two processes get is a request too many: the server answers it
/// with a 429.
pub async fn concurrent_reservations_get_different_slots(book: &impl SlotBook) {
    let key = fresh_key();
    let asks: Vec<_> = (0..20).map(|_| ask(owner(), 5)).collect();
    let grants = join_all(asks.iter().map(|ask| reserve(book, &key, ask))).await;
    let slots = grants.into_iter().flatten().flat_map(|grant| grant.slots);
    let mut slots: Vec<_> = slots.collect();
    let granted = slots.len();
    assert!(granted >= 20, "each gets one at least: {granted}");
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), granted, "and no two the same");
}

/// Checks that a reservation under one key changes nothing under another.
///
/// A key stands for an OAuth client, and each client has its own limit.
pub async fn books_of_two_keys_are_apart(book: &impl SlotBook) {
    let (one, other) = (fresh_key(), fresh_key());
    let terms = Terms::new(1, 0);
    for key in [one, other] {
        let ask = Reservation::new(owner(), Some(terms), 1);
        let grant = reserve(book, &key, &ask).await.expect("a limit is stated");
        assert_eq!(grant.wait(grant.slots[0]), Duration::ZERO);
        assert_eq!(grant.owners, 1);
    }
}

/// Checks that a request without a limit only reads the book.
///
/// A process asks like this before it knows its limit. It must not use up slots
/// of the others, nor count as an owner who shares them.
pub async fn a_reservation_without_a_limit_changes_nothing(book: &impl SlotBook) {
    let key = fresh_key();
    let look = Reservation::new(owner(), None, 3);
    assert_eq!(reserve(book, &key, &look).await, None);
    reserve(book, &key, &ask(owner(), 1)).await;
    let seen = reserve(book, &key, &look).await.expect("there is a limit");
    assert_eq!((seen.limit, seen.owners, seen.slots.len()), (300, 1, 0));
}
