use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;

use super::{
    clock::{Clock, Moment},
    machine::{Answer, Machine, RenewalId, Start, View},
    renewal,
    settings::CacheSettings,
};
use crate::token::{
    AccessToken, Generation, IssuedToken, Reason, Rejection, TokenError, TokenErrorKind,
    source::ErasedSource,
};

/// What the clones of a cache, their waiting callers and the renewal share.
///
/// Whatever is decided is decided by [`Machine`] under the lock; whatever runs the code of others is
/// done after it is released: nothing is spawned, woken or dropped under the lock, since each of
/// those can come back here.
pub(super) struct Shared {
    pub(super) settings: CacheSettings,
    pub(super) source: Box<dyn ErasedSource>,
    pub(super) clock: Clock,
    view: ArcSwapOption<View>,
    state: Mutex<State>,
}

struct State {
    machine: Machine,
    waiters: BTreeMap<u64, Waker>,
    last_waiter: u64,
}

/// The place of a caller among those who are woken when the renewal ends.
pub(super) type WaiterId = u64;

impl Shared {
    pub(super) fn new(settings: CacheSettings, source: Box<dyn ErasedSource>) -> Self {
        let machine = Machine::new(settings, fastrand::Rng::new());
        Self {
            settings,
            source,
            clock: Clock::default(),
            view: ArcSwapOption::empty(),
            state: Mutex::new(State {
                machine,
                waiters: BTreeMap::new(),
                last_waiter: 0,
            }),
        }
    }

    /// The token to send now, without waiting. Takes the lock only when something is to be decided.
    pub(super) fn try_current(self: &Arc<Self>) -> Option<AccessToken> {
        let now = self.clock.now();
        if let Some(view) = &*self.view.load() {
            if now.mono < view.until && now.wall < view.wall_until {
                return Some(view.token.clone());
            }
        }
        let (answer, start) = self.change(now, |state| state.machine.ask(None, now));
        if let Some(start) = start {
            // Without a runtime the token is served on as long as it lasts.
            let _ = self.start(start);
        }
        match answer {
            Answer::Serve(token) => Some(token),
            _ => None,
        }
    }

    /// The same for a caller that waits: it is woken when the renewal ends.
    pub(super) fn ask_or_wait(
        self: &Arc<Self>,
        waited: Option<RenewalId>,
        waiter: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Result<Answer, TokenError> {
        let now = self.clock.now();
        let waker = waker.clone();
        let (answer, start, replaced) = self.change(now, |state| {
            let (answer, start) = state.machine.ask(waited, now);
            let replaced = match answer {
                Answer::Wait { .. } => state.register(waiter, waker),
                _ => Some(waker),
            };
            (answer, start, replaced)
        });
        drop(replaced);
        match (start.map(|start| self.start(start)), answer) {
            (Some(Err(error)), Answer::Wait { .. }) => Err(error),
            (_, answer) => Ok(answer),
        }
    }

    pub(super) fn forget(&self, waiter: WaiterId) {
        let waker = self.lock().waiters.remove(&waiter);
        drop(waker);
    }

    pub(super) fn has_waiters(&self) -> bool {
        !self.lock().waiters.is_empty()
    }

    pub(super) fn refuse(self: &Arc<Self>, generation: Generation, reason: Reason) -> Rejection {
        let now = self.clock.now();
        let (rejection, start) =
            self.change(now, |state| state.machine.refuse(generation, reason, now));
        match start.map(|start| self.start(start)) {
            Some(Err(_)) => Rejection::CannotRenew,
            _ => rejection,
        }
    }

    pub(super) fn finish(
        &self,
        id: RenewalId,
        result: Result<(IssuedToken, Moment), TokenError>,
    ) -> Option<Result<Generation, TokenError>> {
        let now = self.clock.now();
        self.change_and_wake(now, |machine| machine.finish(id, result, now))
    }

    pub(super) fn abort(&self, id: RenewalId) {
        self.change_and_wake(self.clock.now(), |machine| machine.abort(id));
    }

    pub(super) fn close(&self) {
        self.change_and_wake(self.clock.now(), Machine::close);
    }

    pub(super) fn inspect<T>(&self, look: impl FnOnce(&Machine, Moment) -> T) -> T {
        let now = self.clock.now();
        look(&self.lock().machine, now)
    }

    fn start(self: &Arc<Self>, start: Start) -> Result<(), TokenError> {
        let id = start.id;
        // Made before there is a task, so that a task that never runs is noticed as well.
        let renewal = renewal::run(Arc::clone(self), start);
        let Ok(runtime) = Handle::try_current() else {
            drop(renewal);
            self.abort(id);
            return Err(no_runtime());
        };
        runtime.spawn(renewal);
        Ok(())
    }

    fn change<T>(&self, now: Moment, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let done = change(&mut state);
        let view = state.machine.view(now).map(Arc::new);
        let old = self.view.swap(view);
        drop(state);
        drop(old);
        done
    }

    fn change_and_wake<T>(&self, now: Moment, change: impl FnOnce(&mut Machine) -> T) -> T {
        let (done, waiters) = self.change(now, |state| {
            let done = change(&mut state.machine);
            (done, mem::take(&mut state.waiters))
        });
        waiters.into_values().for_each(Waker::wake);
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The machine is consistent between any two of its steps, whoever panicked meanwhile.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps a waker, and returns the one that it replaces.
    fn register(&mut self, waiter: &mut Option<WaiterId>, waker: Waker) -> Option<Waker> {
        let id = *waiter.get_or_insert_with(|| {
            self.last_waiter += 1;
            self.last_waiter
        });
        self.waiters.insert(id, waker)
    }
}

fn no_runtime() -> TokenError {
    TokenError::new(
        TokenErrorKind::NoRuntime,
        "a token has to be fetched, and there is no tokio runtime here to do it on; call from \
         within one (`#[tokio::main]`, or `Handle::enter`)",
    )
}
