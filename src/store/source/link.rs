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
        Fence, Lease, Operation, Owner, Publication, Sharing, StoreError, StoreErrorKind,
        StoreEvent, StoreFuture, StoreKey, TokenStore,
    },
    token::{FetchContext, IssuedToken, Moment, Reason},
};

/// The connection of a process to the store, and its own knowledge.
pub(super) struct Link {
    sharing: Sharing,
    pub(super) owner: Owner,
    local: Mutex<Local>,
}

impl Link {
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

    pub(super) fn local(&self) -> MutexGuard<'_, Local> {
        lock(&self.local)
    }

    pub(super) fn tell(&self, event: &StoreEvent<'_>) {
        self.sharing.tell(event);
    }

    /// Executes an operation with a time-out and caught panics, since the store
    /// may be any code.
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
                self.local().breaker.failed(Instant::now());
                self.tell(&StoreEvent::Failed { operation, error });
            }
        }
        result
    }

    /// Makes the next fetch of this process wait until the sender is dropped.
    pub(super) fn hold_back(&self) -> watch::Sender<()> {
        let (given_back, giving_back) = watch::channel(());
        let _before = self.local().giving_back.replace(giving_back);
        given_back
    }

    /// Waits until a dropped lease has been given back, or giving it back has
    /// failed. Before that, the store would grant the same lease again, and
    /// then end it while it is in use.
    pub(super) async fn given_back(&self) {
        let giving_back = self.local().giving_back.clone();
        if let Some(mut giving_back) = giving_back {
            // The task has its own time-out, but may be on a runtime that no
            // thread drives.
            let longest = self.sharing.operation_timeout.saturating_mul(2);
            if timeout(longest, giving_back.changed()).await.is_err() {
                // Later fetches need not wait again.
                let is_it = |now: &mut watch::Receiver<()>| now.same_channel(&giving_back);
                let _given_up = self.local().giving_back.take_if(is_it);
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
    pub(super) fn unidentified(&self, cx: &FetchContext) -> Option<IssuedToken> {
        match cx.reason {
            Reason::Check => self.spare(None, cx),
            _ => None,
        }
    }

    /// Publishes a token for the holder of this lease.
    pub(super) async fn put(
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

    /// Keeps a token that was published.
    pub(super) fn share(&self, key: &StoreKey, issued: &IssuedToken, taken: Moment, fence: Fence) {
        let was_alone = self.local().share(key, issued.clone(), taken, fence);
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
