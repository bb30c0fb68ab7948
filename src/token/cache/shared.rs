use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

use super::{
    cell::{Cell, WaiterId},
    clock::Clock,
    machine::{Machine, RenewalId},
    moment::Moment,
    settings::CacheSettings,
};
use crate::{
    lock::lock,
    token::{
        AccessToken, Generation, IssuedToken, TokenError, TokenErrorKind, TokenEvent,
        TokenObserver, source::ErasedSource,
    },
};

/// The state that the clones of a cache, their waiting callers and the renewal
/// share.
///
/// The cell comes first, so that its view shares a cache line with the
/// reference count, which each request increments.
#[repr(C)]
pub(super) struct Shared {
    pub(super) cell: Cell,
    pub(super) settings: CacheSettings,
    pub(super) source: Box<dyn ErasedSource>,
    pub(super) clock: Clock,
    observer: Option<Arc<dyn TokenObserver>>,
    /// The task of the renewal in flight, for `close`. Its lock is outside of
    /// the cell's: `keep` takes the cell's lock within it.
    task: Mutex<Option<(RenewalId, JoinHandle<()>)>>,
}

impl Shared {
    /// Creates the state, with an initial token if there is one.
    ///
    /// # Errors
    ///
    /// The initial token is malformed or has expired.
    pub(super) fn new(
        settings: CacheSettings,
        source: Box<dyn ErasedSource>,
        observer: Option<Arc<dyn TokenObserver>>,
        token: Option<IssuedToken>,
    ) -> Result<Self, TokenError> {
        let clock = Clock::default();
        let now = clock.now();
        let mut machine = Machine::new(settings, fastrand::Rng::new());
        if let Some(token) = token {
            machine.start_from(&token, now)?;
        }
        let cell = Cell::new(machine, now);
        Ok(Self {
            settings,
            source,
            clock,
            observer,
            cell,
            task: Mutex::default(),
        })
    }

    pub(super) fn forget(&self, waiter: WaiterId) {
        self.cell.forget(waiter);
    }

    pub(super) fn has_waiters(&self) -> bool {
        self.cell.has_waiters()
    }

    /// Revokes the token through the source, and removes it from the cache on
    /// success.
    pub(super) async fn revoke(&self) -> Result<(), TokenError> {
        let token = self.cell.inspect(|machine| machine.token().cloned());
        let result = self
            .source
            .revoke(token.as_ref().map(AccessToken::expose))
            .await;
        // A failure of the store alone means that the service has ended the
        // token: the cache must not serve it either.
        let ended = match &result {
            Ok(()) => true,
            Err(error) => error.kind() == TokenErrorKind::Store,
        };
        if let Some(token) = token.filter(|_| ended) {
            self.cell.discard(token.generation(), self.clock.now());
        }
        result
    }

    pub(super) fn finish(
        &self,
        id: RenewalId,
        result: Result<(IssuedToken, Moment), TokenError>,
    ) -> Option<Result<Generation, TokenError>> {
        let ended = self.cell.finish(id, result, self.clock.now());
        self.let_go(id);
        ended
    }

    pub(super) fn abort(&self, id: RenewalId) {
        self.cell.abort(id, self.clock.now());
        self.let_go(id);
    }

    /// Ends the renewal in flight, and waits until its task has ended, at most
    /// a second.
    pub(super) async fn close(&self) {
        let Some(task) = self.end() else { return };
        if runtime().is_ok() {
            // If the task's runtime has stopped, the task would never end.
            let _ = timeout(Duration::from_secs(1), task).await;
        }
    }

    /// Ends the renewal in flight. Its task ends a little later.
    pub(super) fn end(&self) -> Option<JoinHandle<()>> {
        self.cell.close(self.clock.now());
        let (_, task) = self.lock_task().take()?;
        task.abort();
        Some(task)
    }

    pub(super) fn inspect<T>(&self, look: impl FnOnce(&Machine, Moment) -> T) -> T {
        let now = self.clock.now();
        self.cell.inspect(|machine| look(machine, now))
    }

    pub(super) fn tell(&self, event: &TokenEvent<'_>) {
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }

    /// Stores the task of the renewal in flight. Aborts the task of a renewal
    /// that was given up, so that it sends no useless token request when its
    /// runtime runs again.
    pub(super) fn keep(&self, id: RenewalId, task: JoinHandle<()>) {
        let mut kept = self.lock_task();
        // The check is under the lock, so a renewal that ends afterwards finds
        // its task here and drops it.
        let unwanted = match self.cell.inspect(|machine| machine.renews(id)) {
            true => kept.replace((id, task)),
            false => Some((id, task)),
        };
        drop(kept);
        unwanted.inspect(|(_, task)| task.abort());
    }

    /// Drops the handle of a task that has ended or is about to. The handle
    /// would keep the task's memory until the next renewal, up to a day later.
    fn let_go(&self, id: RenewalId) {
        let ended = self.lock_task().take_if(|(kept, _)| *kept == id);
        drop(ended);
    }

    #[cfg(test)]
    pub(super) fn keeps_a_task(&self) -> bool {
        self.lock_task().is_some()
    }

    pub(super) fn lock_task(&self) -> MutexGuard<'_, Option<(RenewalId, JoinHandle<()>)>> {
        lock(&self.task)
    }
}

/// Returns the current runtime, on which renewals run.
pub(super) fn runtime() -> Result<Handle, TokenError> {
    Handle::try_current().map_err(|_| no_runtime())
}

pub(super) fn no_runtime() -> TokenError {
    TokenError::new(
        TokenErrorKind::NoRuntime,
        "no token was fetched: the caller is outside a tokio runtime; call from inside one \
         (`#[tokio::main]`, or `Handle::enter`)",
    )
}
