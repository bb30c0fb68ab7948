use std::{
    fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use super::effects::Ask;
use crate::{
    lock::lock,
    store::{
        Owner, StoreErrorKind, StoreFuture, StoreKey,
        book::{Grant, Refusal, Reservation, SlotBook, Terms},
    },
    token::TokenError,
};

/// The time limit for reading the credentials, from which the key is made.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a key is used. After that the client may have been replaced, and
/// with it the limit. Reading the credentials for each reservation could ask a
/// vault every second.
const KEY_AGE: Duration = Duration::from_secs(600);

type Identified = Pin<Box<dyn Future<Output = Result<StoreKey, TokenError>> + Send>>;

/// The source of the key under which the book keeps the limit.
#[derive(Clone)]
pub(crate) enum KeySource {
    /// A constant, for the limit of one process.
    Fixed(StoreKey),
    /// The key of the credentials that are valid at the time.
    Asked(Arc<dyn Fn() -> Identified + Send + Sync>),
}

/// Executes the operations of the book: with its key, within a time limit, and
/// with panics of a custom store caught.
pub(super) struct Desk {
    book: Arc<dyn SlotBook>,
    source: KeySource,
    /// The key read last, and when the credentials were read or could not be
    /// read. Used for [`KEY_AGE`].
    key: Mutex<Option<(StoreKey, Instant)>>,
    /// Identifies this process in the book.
    owner: Owner,
    /// The time limit of one operation.
    timeout: Duration,
}

impl Desk {
    pub(super) fn new(
        book: Arc<dyn SlotBook>,
        source: KeySource,
        owner: Owner,
        timeout: Duration,
    ) -> Self {
        Self {
            book,
            source,
            key: Mutex::new(None),
            owner,
            timeout,
        }
    }

    /// Returns the time after which a reservation counts as lost, whatever its
    /// task does.
    pub(super) fn patience(&self) -> Duration {
        // Twice the operation's time limit, because the task may run late: the
        // slots of a reservation that counts as lost too early would be lost
        // with it.
        let identify = match self.source {
            KeySource::Fixed(_) => Duration::ZERO,
            KeySource::Asked(_) => IDENTIFY_TIMEOUT,
        };
        identify + self.timeout.saturating_mul(2)
    }

    /// Asks the book for slots. Returns its reply, and the times before the
    /// operation and after it.
    pub(super) async fn reserve(
        &self,
        ask: &Ask,
    ) -> (Result<Option<Grant>, StoreErrorKind>, [Instant; 2]) {
        let mut reservation = Reservation::new(self.owner, ask.terms, ask.want);
        reservation.returned = ask.returned.clone();
        reservation.is_known = ask.is_known;
        reservation.was_alone = ask.was_alone;
        let (key, reservation) = (self.key().await, &reservation);
        // Read after the key: the credentials can take seconds, and would take
        // them off the validity of each slot.
        let asked = Instant::now();
        let result = match &key {
            Ok(key) => self.carry_out(|book| book.reserve(key, reservation)).await,
            Err(kind) => Err(*kind),
        };
        (result, [asked, Instant::now()])
    }

    /// Reports a 429 to the book. Returns the time of the report by the store's
    /// clock.
    pub(super) async fn refuse(
        &self,
        terms: Terms,
        wait: Duration,
    ) -> Result<Duration, StoreErrorKind> {
        let (key, refusal) = (&self.key().await?, &Refusal::new(terms, wait));
        self.carry_out(|book| book.refuse(key, refusal)).await
    }

    /// Returns the key of the limit. Reads the credentials if the last key is
    /// too old; if that fails, it is used for as long again.
    async fn key(&self) -> Result<StoreKey, StoreErrorKind> {
        let identify = match &self.source {
            KeySource::Fixed(key) => return Ok(*key),
            KeySource::Asked(identify) => identify,
        };
        // Copied out, so that the lock is released before the await.
        let known = *lock(&self.key);
        if let Some((key, _)) = known.filter(|(_, at)| at.elapsed() < KEY_AGE) {
            return Ok(key);
        }
        let identified = AssertUnwindSafe(async { identify().await }).catch_unwind();
        let key = match timeout(IDENTIFY_TIMEOUT, identified).await {
            Ok(Ok(Ok(key))) => key,
            // An old key keeps the process within the limit; no key would not.
            // It counts as read now: if each reservation waited for a vault
            // that hangs, their slots would be too few.
            _ => known.ok_or(StoreErrorKind::Unavailable)?.0,
        };
        *lock(&self.key) = Some((key, Instant::now()));
        Ok(key)
    }

    /// Executes an operation with a time-out and caught panics, since the store
    /// may be any code.
    async fn carry_out<'a, T>(
        &'a self,
        call: impl FnOnce(&'a dyn SlotBook) -> StoreFuture<'a, T> + Send,
    ) -> Result<T, StoreErrorKind> {
        let book = &*self.book;
        let called = AssertUnwindSafe(async move { call(book).await }).catch_unwind();
        match timeout(self.timeout, called).await {
            Ok(Ok(result)) => result.map_err(|error| error.kind()),
            Ok(Err(_)) => Err(StoreErrorKind::Unavailable),
            Err(_) => Err(StoreErrorKind::Timeout),
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(key) => f.debug_tuple("Fixed").field(key).finish(),
            Self::Asked(_) => f.write_str("Asked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

    use tokio::time::advance;

    use super::*;
    use crate::store::MemoryStore;

    const MOMENT: Duration = Duration::from_millis(1);

    /// Returns a different key each time it is asked.
    fn counted() -> KeySource {
        let reads = AtomicU8::new(0);
        KeySource::Asked(Arc::new(move || {
            let number = reads.fetch_add(1, SeqCst);
            Box::pin(async move { Ok(key(number)) })
        }))
    }

    fn key(number: u8) -> StoreKey {
        StoreKey::from_bytes([number; 32])
    }

    #[tokio::test(start_paused = true)]
    async fn the_credentials_are_read_again_when_the_key_is_ten_minutes_old() {
        let owner = Owner::from_bytes([1; 16]);
        let desk = Desk::new(Arc::new(MemoryStore::new()), counted(), owner, MOMENT);
        assert_eq!(desk.key().await, Ok(key(0)));
        advance(Duration::from_secs(600) - MOMENT).await;
        assert_eq!(desk.key().await, Ok(key(0)));
        advance(MOMENT).await;
        assert_eq!(desk.key().await, Ok(key(1)));
        assert_eq!(desk.key().await, Ok(key(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_cannot_be_read_again_delay_one_reservation_in_ten_minutes() {
        let reads = Arc::new(AtomicU8::new(0));
        let count = reads.clone();
        let source = KeySource::Asked(Arc::new(move || {
            let is_first = count.fetch_add(1, SeqCst) == 0;
            Box::pin(async move {
                match is_first {
                    true => Ok(key(0)),
                    false => std::future::pending().await,
                }
            })
        }));
        let owner = Owner::from_bytes([1; 16]);
        let desk = Desk::new(Arc::new(MemoryStore::new()), source, owner, MOMENT);
        assert_eq!(desk.key().await, Ok(key(0)));
        for expected in [2, 3] {
            advance(Duration::from_secs(600)).await;
            for waits in [IDENTIFY_TIMEOUT, Duration::ZERO, Duration::ZERO] {
                let started = Instant::now();
                assert_eq!(desk.key().await, Ok(key(0)));
                assert_eq!(started.elapsed(), waits);
            }
            assert_eq!(reads.load(SeqCst), expected);
        }
    }
}
