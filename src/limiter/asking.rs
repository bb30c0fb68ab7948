use std::{
    fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use super::{effect::Ask, handle::Inner};
use crate::{
    lock::lock,
    store::{
        Operation, Owner, StoreErrorKind, StoreFuture, StoreKey,
        book::{LimitEvent, Refusal, Reservation, SlotBook, Terms},
    },
    token::TokenError,
};

/// How long the credentials may take from which the key is made.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(8);
/// For how long a key counts: a client that was replaced has a limit of its own.
const KEY_AGE: Duration = Duration::from_secs(600);

type Identified = Pin<Box<dyn Future<Output = Result<StoreKey, TokenError>> + Send>>;

/// Under which key the limit is kept.
#[derive(Clone)]
pub(crate) enum KeySource {
    Fixed(StoreKey),
    /// That of whose credentials these are, at the time.
    Asked(Arc<dyn Fn() -> Identified + Send + Sync>),
}

/// What reservations are made with.
pub(super) struct Desk {
    book: Arc<dyn SlotBook>,
    source: KeySource,
    key: Mutex<Option<(StoreKey, Instant)>>,
    owner: Owner,
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

    /// After so long, a reservation counts as lost whatever its task does.
    pub(super) fn patience(&self) -> Duration {
        let identify = match self.source {
            KeySource::Fixed(_) => Duration::ZERO,
            KeySource::Asked(_) => IDENTIFY_TIMEOUT,
        };
        identify + self.timeout.saturating_mul(2)
    }

    async fn key(&self) -> Result<StoreKey, StoreErrorKind> {
        let identify = match &self.source {
            KeySource::Fixed(key) => return Ok(*key),
            KeySource::Asked(identify) => identify,
        };
        let known = *lock(&self.key);
        if let Some((key, _)) = known.filter(|(_, at)| at.elapsed() < KEY_AGE) {
            return Ok(key);
        }
        let identified = AssertUnwindSafe(async { identify().await }).catch_unwind();
        match timeout(IDENTIFY_TIMEOUT, identified).await {
            Ok(Ok(Ok(key))) => {
                let now = Instant::now();
                *lock(&self.key) = Some((key, now));
                Ok(key)
            }
            // Rather the old one than none.
            _ => known.map(|(key, _)| key).ok_or(StoreErrorKind::Unavailable),
        }
    }

    /// One operation of the store, under a time-out of our own, whatever the store does.
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

impl Inner {
    /// Carries a reservation out. It belongs to none of those who wait for it.
    pub(super) async fn reserve(this: Arc<Self>, ask: Ask) {
        let guard = Unanswered {
            inner: this,
            id: ask.id,
        };
        let desk = &guard.inner.desk;
        let mut reservation = Reservation::new(desk.owner, ask.terms, ask.want);
        reservation.returned = ask.returned;
        reservation.is_known = ask.is_known;
        reservation.was_alone = ask.was_alone;
        let (key, reservation) = (desk.key().await, &reservation);
        let asked = Instant::now();
        let result = match &key {
            Ok(key) => desk.carry_out(|book| book.reserve(key, reservation)).await,
            Err(kind) => Err(*kind),
        };
        let times = [asked, Instant::now()];
        Self::with(&guard.inner, |state, effects| match result {
            Ok(grant) => state.answered(ask.id, grant.as_ref(), times, effects),
            Err(kind) => state.failed(ask.id, kind, times[1], effects),
        });
    }

    /// Tells the book of a 429.
    pub(super) async fn tell_of(this: Arc<Self>, terms: Terms, wait: Duration) {
        let told = match this.desk.key().await {
            Ok(key) => {
                let refusal = Refusal::new(terms, wait);
                let (key, refusal) = (&key, &refusal);
                this.desk.carry_out(|book| book.refuse(key, refusal)).await
            }
            Err(kind) => Err(kind),
        };
        if let Err(kind) = told {
            this.tell(&LimitEvent::Failed {
                operation: Operation::Refuse,
                kind,
            });
        }
    }
}

/// A reservation whose task may be dropped, with its runtime.
struct Unanswered {
    inner: Arc<Inner>,
    id: u64,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let (id, now) = (self.id, Instant::now());
        // Nothing, if it was answered.
        Inner::with(&self.inner, |state, effects| {
            state.failed(id, StoreErrorKind::Unavailable, now, effects);
        });
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
