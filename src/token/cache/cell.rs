use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use arc_swap::ArcSwapOption;

use super::{
    Invalidation,
    machine::{Ask, Decision, Machine, RenewalId, Start},
    moment::{Moment, Stamp},
    sync::{AtomicU64, Mutex, MutexGuard, lock},
    thread_copy::{self, CellId, Version, Visible},
};
use crate::token::{AccessToken, Generation, IssuedToken, Rejection, TokenError};

/// The [`Machine`] in a lock, its waiting callers, and a lock-free view of the
/// token.
///
/// Every decision is made under the lock, on the current state, so a caller
/// with an outdated view learns the newer state there. Spawns, wake-ups and
/// drops can run foreign code that calls this cell again, so they happen after
/// the lock is released.
#[repr(C)] // The view first: see `Shared`.
pub(super) struct Cell {
    visible: ArcSwapOption<Visible>,
    /// The version of `visible`: each swap is followed by a new version, before
    /// the lock is released.
    ///
    /// A thread that reads a version sees the swap before it, so its copy under
    /// that version is never older. A hit that starts after a change has ended
    /// reads the new version, so no thread serves the old view.
    version: AtomicU64,
    state: Mutex<State>,
}

/// The part of the cell in the lock.
struct State {
    machine: Machine,
    /// The callers that wait for the renewal in flight.
    waiters: BTreeMap<WaiterId, Waker>,
    /// The key that was given last.
    last_waiter: WaiterId,
}

/// The key of a waiting caller, which the end of the renewal wakes.
pub(super) type WaiterId = u64;

impl Cell {
    pub(super) fn new(machine: Machine, now: Moment) -> Self {
        let visible = machine.view(now).map(Visible::new);
        let waiters = BTreeMap::new();
        Self {
            visible: ArcSwapOption::new(visible.map(Arc::new)),
            version: AtomicU64::new(Version::next().0),
            state: Mutex::new(State {
                machine,
                waiters,
                last_waiter: 0,
            }),
        }
    }

    /// Returns the token if the view alone shows that the cache may serve it.
    ///
    /// A thread with a copy of the token writes to no shared memory.
    #[inline]
    pub(super) fn hit(&self, now: Stamp) -> Option<AccessToken> {
        let version = Version(self.version.load(Ordering::Acquire));
        match thread_copy::serve(version, now) {
            Some(token) => Some(token),
            None => self.hit_shared(version, now),
        }
    }

    /// Serves the token from the view that all threads share.
    fn hit_shared(&self, version: Version, now: Stamp) -> Option<AccessToken> {
        let visible = self.visible.load();
        let visible = visible.as_ref()?;
        let token = visible.serve(now)?;
        thread_copy::note(version, CellId::of(self), visible);
        Some(token)
    }

    /// Asks on behalf of a caller that does not wait. The code that gets a
    /// [`Start`], here and below, must carry it out.
    pub(super) fn ask(&self, ask: Ask, now: Moment) -> (Decision, Option<Start>) {
        self.change(now, |state| state.machine.ask(ask, now))
    }

    /// Does the same for a caller that can wait. The end of the renewal wakes
    /// it, or the end of the cache.
    pub(super) fn ask_or_wait(
        &self,
        ask: Ask,
        waiter: &mut Option<WaiterId>,
        waker: &Waker,
        now: Moment,
    ) -> (Decision, Option<Start>) {
        let waker = waker.clone();
        let (decision, start, replaced) = self.change(now, |state| {
            let (decision, start) = state.machine.ask(ask, now);
            let replaced = match decision {
                Decision::Wait { .. } => state.register(waiter, waker),
                _ => Some(waker),
            };
            (decision, start, replaced)
        });
        drop(replaced);
        (decision, start)
    }

    /// Removes the caller with this key.
    pub(super) fn forget(&self, waiter: WaiterId) {
        // In two statements, so that the waker is dropped after the lock.
        let waker = lock(&self.state).waiters.remove(&waiter);
        drop(waker);
    }

    /// Returns whether a caller waits for a renewal.
    pub(super) fn has_waiters(&self) -> bool {
        !lock(&self.state).waiters.is_empty()
    }

    /// Records that the API refused a token.
    pub(super) fn refuse(&self, generation: Generation, now: Moment) -> (Rejection, Option<Start>) {
        self.change(now, |state| state.machine.refuse(generation, now))
    }

    /// Records that the owner wants another token.
    pub(super) fn invalidate(&self, now: Moment) -> (Invalidation, Option<Start>) {
        self.change(now, |state| state.machine.invalidate(now))
    }

    /// Removes a token that was revoked.
    pub(super) fn discard(&self, generation: Generation, now: Moment) {
        let gone = self.change(now, |state| state.machine.discard(generation));
        drop(gone);
    }

    /// Records the end of a renewal, and wakes the waiting callers.
    pub(super) fn finish(
        &self,
        id: RenewalId,
        result: Result<(IssuedToken, Moment), TokenError>,
        now: Moment,
    ) -> Option<Result<Generation, TokenError>> {
        self.change_and_wake(now, |machine| machine.finish(id, result, now))
    }

    /// Records that a renewal ended without a result.
    pub(super) fn abort(&self, id: RenewalId, now: Moment) {
        self.change_and_wake(now, |machine| machine.abort(id));
    }

    /// Closes the cache, and wakes the waiting callers.
    pub(super) fn close(&self, now: Moment) {
        self.change_and_wake(now, Machine::close);
    }

    /// Looks at the machine. `look` runs under the lock.
    pub(super) fn inspect<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&lock(&self.state).machine)
    }

    /// Changes the state, and publishes the view that follows from it.
    fn change<T>(&self, now: Moment, change: impl FnOnce(&mut State) -> T) -> T {
        // The lock covers publishing, so that each caller after it sees the
        // result. Freeing the old view needs no lock, so it waits until after
        // it.
        let mut state = lock(&self.state);
        let done = change(&mut state);
        let old = self.publish(&state, now);
        drop(state);
        drop(old);
        done
    }

    /// Does the same for an event that ends waits.
    fn change_and_wake<T>(&self, now: Moment, change: impl FnOnce(&mut Machine) -> T) -> T {
        let (done, waiters) = self.change(now, |state| {
            let done = change(&mut state.machine);
            (done, mem::take(&mut state.waiters))
        });
        waiters.into_values().for_each(Waker::wake);
        done
    }

    /// Publishes the view of the token. Returns the old view, which the caller
    /// drops after the lock.
    fn publish(&self, state: &MutexGuard<'_, State>, now: Moment) -> Option<Arc<Visible>> {
        let visible = state.machine.view(now).map(Visible::new);
        // Most calls change nothing, and a swap costs more than all the rest.
        if self.visible.load().as_deref() == visible.as_ref() {
            return None;
        }
        let old = self.visible.swap(visible.map(Arc::new));
        self.version.store(Version::next().0, Ordering::Release);
        old
    }
}

impl State {
    /// Stores a waker, and returns the one that it replaces.
    fn register(&mut self, waiter: &mut Option<WaiterId>, waker: Waker) -> Option<Waker> {
        let id = *waiter.get_or_insert_with(|| {
            self.last_waiter += 1;
            self.last_waiter
        });
        self.waiters.insert(id, waker)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::{TokenErrorKind, cache::CacheSettings};

    #[test]
    fn a_view_is_swapped_only_for_one_that_says_something_else() {
        let now = Moment::now();
        let mut machine = Machine::new(CacheSettings::new(), fastrand::Rng::with_seed(7));
        let issued = IssuedToken::new("s3cr3t".to_owned(), Duration::from_secs(3600));
        let generation = machine.start_from(&issued, now).unwrap();
        let cell = Cell::new(machine, now);
        let first = cell.visible.load_full().unwrap();

        let (_, start) = cell.ask(Ask::default(), now);
        assert!(start.is_none());
        assert!(Arc::ptr_eq(&first, &cell.visible.load_full().unwrap()));

        let (_, start) = cell.refuse(generation, now);
        assert!(cell.visible.load().is_none());
        let fresh = IssuedToken::new("s3cr3t-2".to_owned(), Duration::from_secs(3600));
        cell.finish(start.unwrap().id, Ok((fresh, now)), now);
        let second = cell.visible.load_full().unwrap();
        assert!(second.token.generation() > first.token.generation());
    }

    #[test]
    fn a_token_that_is_refused_is_not_in_view_for_as_long_as_before() {
        let later = |now: Moment, wait| Moment {
            mono: now.mono + wait,
            wall: now.wall + wait,
        };
        let now = Moment::now();
        // The token is due when it expires, so that only one of the two times
        // shows the difference.
        let settings = CacheSettings::new().with_renew_before(Duration::ZERO);
        let mut machine = Machine::new(settings, fastrand::Rng::with_seed(7));
        let minute = Duration::from_secs(60);
        let issued = IssuedToken::new("s3cr3t".to_owned(), minute * 60).with_check_in(minute);
        let generation = machine.start_from(&issued, now).unwrap();
        let cell = Cell::new(machine, now);

        let now = later(now, minute);
        let (_, start) = cell.ask(Ask::default(), now);
        let down = TokenError::new(TokenErrorKind::Unavailable, "down");
        cell.finish(start.unwrap().id, Err(down), now);
        let cooldown_ends = later(now, Duration::from_millis(250));
        assert!(
            cell.hit(Stamp::of(cooldown_ends)).is_some(),
            "checks rest for longer"
        );

        let (rejection, start) = cell.refuse(generation, now);
        assert!(rejection == Rejection::Cooldown && start.is_none());
        assert!(cell.hit(Stamp::of(now)).is_some());
        assert!(
            cell.hit(Stamp::of(cooldown_ends)).is_none(),
            "it is renewed then"
        );
    }
}
