//! The process as a member of a fleet: its way to the store, and its own
//! knowledge.

use std::{
    panic::AssertUnwindSafe,
    sync::{Mutex, MutexGuard},
};

use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{local::Local, pauses::check_after};
use crate::{
    lock::lock,
    store::{
        Claim, Fence, Lease, Lookup, Operation, Owner, Publication, Sharing, StoreError,
        StoreErrorKind, StoreEvent, StoreFuture, StoreKey, TokenStore,
    },
    token::{FetchContext, IssuedToken, Moment, Reason},
};

/// One process among those that share a token.
///
/// All fetches of a [`SharedSource`](super::SharedSource) use one `Member`. The
/// tasks that return a lease after its fetch is gone use it, too. Each
/// operation of the store goes through it, so that its breaker sees every
/// failure.
pub(super) struct Member {
    sharing: Sharing,
    /// The name of this process towards the store.
    pub(super) owner: Owner,
    local: Mutex<Local>,
}

impl Member {
    pub(super) fn new(sharing: Sharing, owner: Owner) -> Self {
        Self {
            sharing,
            owner,
            local: Mutex::default(),
        }
    }

    pub(super) fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    /// Locks the knowledge of this process. Callers release the lock before
    /// they await, and before they report an event.
    pub(super) fn local(&self) -> MutexGuard<'_, Local> {
        lock(&self.local)
    }

    /// Reports an event to `tracing` and to the user's observer.
    pub(super) fn tell(&self, event: &StoreEvent<'_>) {
        self.sharing.tell(event);
    }

    /// Asks the store for a token or a lease.
    pub(super) async fn look_up(&self, key: StoreKey, claim: &Claim) -> Result<Lookup, StoreError> {
        let claim = claim.clone();
        let call = async move |store: &dyn TokenStore| store.get_or_lease(&key, &claim).await;
        self.ask(Operation::GetOrLease, |store| Box::pin(call(store)))
            .await
    }

    /// Publishes a token under this lease.
    ///
    /// `taken` is the time at which `issued` had its remaining lifetime.
    pub(super) async fn publish(
        &self,
        key: StoreKey,
        lease: Lease,
        issued: &IssuedToken,
        taken: Moment,
    ) -> Result<Publication, StoreError> {
        let left = issued
            .remaining()
            .saturating_sub(Moment::now().since(taken));
        let envelope = &self.sharing().envelope;
        // Sealing can fail without the store, so the breaker does not count it.
        let entry = envelope
            .close(&key, lease.fence, issued, left)
            .inspect_err(|error| {
                let operation = Operation::Publish;
                self.tell(&StoreEvent::Failed { operation, error });
            })?;
        let call = async move |store: &dyn TokenStore| store.publish(&key, &lease, &entry).await;
        self.ask(Operation::Publish, |store| Box::pin(call(store)))
            .await
    }

    /// Executes an operation with a time-out and caught panics, since the store
    /// may be any code.
    ///
    /// # Errors
    ///
    /// That of the store, [`StoreErrorKind::Timeout`] after the operation's
    /// time limit, [`StoreErrorKind::Unavailable`] after a panic. The error has
    /// been reported.
    pub(super) async fn ask<'a, T>(
        &'a self,
        operation: Operation,
        call: impl FnOnce(&'a dyn TokenStore) -> StoreFuture<'a, T> + Send,
    ) -> Result<T, StoreError> {
        let store = &*self.sharing.store;
        let called = AssertUnwindSafe(async move { call(store).await }).catch_unwind();
        let result = match timeout(self.sharing.operation_timeout, called).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(panicked()),
            Err(_) => Err(timed_out()),
        };
        match &result {
            Ok(_) => self.local().breaker.worked(),
            Err(error) => {
                // Two statements: the observer is foreign code, and must not
                // run under the lock.
                self.local().breaker.failed(Instant::now());
                self.tell(&StoreEvent::Failed { operation, error });
            }
        }
        result
    }

    /// Makes the next fetch of this process wait until the sender is dropped,
    /// while a lease is being returned.
    pub(super) fn begin_return(&self) -> watch::Sender<()> {
        let (returned, returning) = watch::channel(());
        // Bound, so that it is dropped after the lock is released.
        let _before = self.local().returning.replace(returning);
        returned
    }

    /// Waits until a dropped lease has been returned, or its return has failed.
    ///
    /// Before that, the store would grant the same lease again, and then end it
    /// while it is in use.
    pub(super) async fn wait_for_return(&self) {
        let returning = self.local().returning.clone();
        if let Some(mut returning) = returning {
            // The task has its own time-out, but may be on a runtime that no
            // thread drives.
            let longest = self.sharing.operation_timeout.saturating_mul(2);
            if timeout(longest, returning.changed()).await.is_err() {
                // Later fetches need not wait again.
                let is_it = |now: &mut watch::Receiver<()>| now.same_channel(&returning);
                let _given_up = self.local().returning.take_if(is_it);
            }
        }
    }

    /// Returns the token of this process if it suits this fetch for now, to be
    /// checked again soon.
    pub(super) fn spare(&self, key: Option<&StoreKey>, cx: &FetchContext) -> Option<IssuedToken> {
        let spare = self.local().spare(key, cx)?;
        Some(spare.with_check_in(check_after()))
    }

    /// Returns a token if the key is unknown: a check can wait, since its token
    /// is valid.
    pub(super) fn spare_without_key(&self, cx: &FetchContext) -> Option<IssuedToken> {
        match cx.reason {
            Reason::Check => self.spare(None, cx),
            // Any other fetch needs a token of the current client, and the key
            // decides which client that is.
            _ => None,
        }
    }

    /// Keeps the token that the store has under this fence. Reports that the
    /// process is together with the others again, if it was alone before.
    pub(super) fn keep_published(
        &self,
        key: &StoreKey,
        issued: &IssuedToken,
        taken: Moment,
        fence: Fence,
    ) {
        let was_alone = self
            .local()
            .keep_published(key, issued.clone(), taken, fence);
        if was_alone {
            self.tell(&StoreEvent::Converged { fence });
        }
    }
}

fn timed_out() -> StoreError {
    StoreError::new(
        StoreErrorKind::Timeout,
        "the token store did not answer in time; check that it can be reached from here, or allow more time with \
         `Sharing::with_operation_timeout`",
    )
}

fn panicked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the token store panicked; see the output of the panic hook",
    )
}
