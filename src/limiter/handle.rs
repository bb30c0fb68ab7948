use std::{
    fmt,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};

use super::{
    asking::{Desk, KeySource},
    effects::{Ask, Effects},
    line::{Joined, Turn},
    state::State,
};
use crate::{
    lock::lock,
    store::{
        Limit, Operation, Owner, StoreErrorKind,
        book::{LimitEvent, SlotBook, Terms},
    },
};

/// The slots of one process, for its sends. Clones share them.
///
/// It adds to [`State`] the clock, the lock, and the tasks that reserve. It is
/// the only part of the folder that the throttle sees.
#[derive(Clone)]
pub(crate) struct Limiter {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    /// For its observer.
    limit: Limit,
    desk: Desk,
}

/// A reservation whose task may be dropped with its runtime. It then counts as
/// failed at once, so that the sends do not wait until it counts as lost.
struct Unanswered {
    inner: Arc<Inner>,
    id: u64,
}

impl Limiter {
    /// Creates a limiter that takes slots of this book.
    pub(crate) fn new(limit: Limit, book: Arc<dyn SlotBook>, key: KeySource, owner: Owner) -> Self {
        let desk = Desk::new(book, key, owner, limit.operation_timeout());
        let state = State::new(limit.clone(), desk.patience());
        let inner = Inner {
            state: Mutex::new(state),
            limit,
            desk,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes a slot if one is at hand. Also returns `true` if sends need none.
    pub(crate) fn try_take(&self) -> bool {
        let now = Instant::now();
        self.with(|state, effects| state.take(now, effects))
    }

    /// Takes a slot, or a place in the queue for one.
    pub(crate) fn join(&self, deadline: Instant) -> Joined {
        let now = Instant::now();
        self.with(|state, effects| state.join(now, deadline, effects))
    }

    /// Returns when to look again, or `None` if the send may go.
    pub(crate) fn poll(&self, ticket: u64, deadline: Instant, cx: &Context<'_>) -> Option<Instant> {
        let now = Instant::now();
        let waker = cx.waker();
        let turn = self.with(|state, effects| state.poll(ticket, deadline, now, waker, effects));
        match turn {
            Turn::Go | Turn::GoWithout => None,
            // Dropped outside of the lock, since dropping a waker can run the
            // caller's code.
            Turn::Look(at, _replaced) => Some(at),
        }
    }

    /// Gives up a ticket. Its slot goes to the next send.
    pub(crate) fn leave(&self, ticket: u64) {
        let now = Instant::now();
        self.with(|state, effects| state.leave(ticket, now, effects));
    }

    /// Reports that a send got its slot after this wait.
    pub(crate) fn waited(&self, waited: Duration) {
        self.inner.limit.tell(&LimitEvent::Waited { waited });
    }

    /// Records a 429: no send goes before `until`. `named` is the limit that
    /// the 429 names, in requests a minute. Reports it to the other processes,
    /// in a task.
    pub(crate) fn refused(&self, until: Instant, named: Option<u32>) {
        let (inner, now) = (&self.inner, Instant::now());
        let mut effects = Effects::default();
        let refusal = inner.locked(|state| state.refused(until, named, now, &mut effects));
        // Outside of a runtime the report is skipped: each other process gets
        // its own 429.
        if let (Some((terms, wait)), Ok(runtime)) = (refusal, Handle::try_current()) {
            runtime.spawn(Inner::tell_of(inner.clone(), terms, wait));
        }
        Inner::carry_out(inner, effects);
    }

    /// Changes the state, and carries out the effects.
    fn with<T>(&self, change: impl FnOnce(&mut State, &mut Effects) -> T) -> T {
        Inner::with(&self.inner, change)
    }
}

impl Inner {
    /// Changes the state, and then does the work that follows.
    fn with<T>(this: &Arc<Self>, change: impl FnOnce(&mut State, &mut Effects) -> T) -> T {
        let mut effects = Effects::default();
        let result = this.locked(|state| change(state, &mut effects));
        Self::carry_out(this, effects);
        result
    }

    /// Locks the state, and is the only function that does. The closure spawns,
    /// wakes and drops nothing.
    fn locked<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.state))
    }

    /// Wakes sends, starts the reservation and reports events, without the
    /// lock.
    fn carry_out(this: &Arc<Self>, mut effects: Effects) {
        if let Some(ask) = effects.ask.take() {
            Self::start(this, ask, &mut effects);
        }
        effects.woken.into_iter().for_each(Waker::wake);
        // Last, so that an observer that panics delays no send.
        for event in &effects.events {
            this.limit.tell(event);
        }
    }

    /// Starts a reservation in a task. Outside of a runtime nothing can be
    /// reserved, so the process goes alone.
    fn start(this: &Arc<Self>, ask: Ask, effects: &mut Effects) {
        if let Ok(runtime) = Handle::try_current() {
            // Created before the task runs: a runtime can end before that.
            let guard = Unanswered {
                inner: this.clone(),
                id: ask.id,
            };
            runtime.spawn(Self::reserve(guard, ask));
            return;
        }
        // No reservation follows one that has just failed.
        let (now, kind) = (Instant::now(), StoreErrorKind::Unavailable);
        this.locked(|state| state.failed(ask.id, kind, now, effects));
    }

    /// Executes a reservation. It belongs to no particular waiter.
    async fn reserve(guard: Unanswered, ask: Ask) {
        let (result, times) = guard.inner.desk.reserve(&ask).await;
        Self::with(&guard.inner, |state, effects| match result {
            Ok(grant) => state.replied(ask.id, grant.as_ref(), times, effects),
            Err(kind) => state.failed(ask.id, kind, times[1], effects),
        });
    }

    /// Reports a 429 to the book.
    async fn tell_of(this: Arc<Self>, terms: Terms, wait: Duration) {
        if let Err(kind) = this.desk.refuse(terms, wait).await {
            this.limit.tell(&LimitEvent::Failed {
                operation: Operation::Refuse,
                kind,
            });
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let (id, now) = (self.id, Instant::now());
        // A no-op if the book has replied.
        Inner::with(&self.inner, |state, effects| {
            state.failed(id, StoreErrorKind::Unavailable, now, effects);
        });
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("limit", &self.inner.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;
    use crate::store::{Fault, MemoryStore, StoreKey};

    const HOUR: Duration = Duration::from_secs(3600);

    fn limiter(limit: Limit) -> Limiter {
        let store = MemoryStore::new();
        store.inject_all(Fault::Hang);
        let key = KeySource::Fixed(StoreKey::from_bytes([1; 32]));
        let owner = Owner::from_bytes([1; 16]);
        let limit = limit.with_operation_timeout(Limit::LONGEST_OPERATION);
        Limiter::new(limit, Arc::new(store), key, owner)
    }

    #[tokio::test]
    async fn a_send_is_let_through_at_once_while_no_limit_is_known() {
        assert!(limiter(Limit::learned()).try_take());
        assert!(!limiter(Limit::per_minute(60)).try_take());
    }

    #[test]
    fn a_reservation_fails_at_once_when_its_runtime_ends() {
        for has_asked in [true, false] {
            let limiter = limiter(Limit::per_minute(60));
            let runtime = Builder::new_current_thread().enable_time().build();
            let runtime = runtime.expect("a runtime");
            let guard = runtime.enter();
            let joined = limiter.join(Instant::now() + HOUR);
            drop(guard);
            if has_asked {
                // The task asks the store, which never replies.
                runtime.block_on(tokio::task::yield_now());
            }
            assert!(matches!(joined, Joined::Queued(..)), "{joined:?}");
            assert!(!limiter.try_take(), "the reply may bring slots");
            drop(runtime);
            // A process that has never reached the book sends without slots.
            assert!(limiter.try_take(), "{has_asked}");
        }
    }
}
