use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::link::Link;
use crate::store::{Lease, Operation, StoreEvent, StoreKey};

/// A lease of this process, given back also when its fetch is dropped.
pub(super) struct LeaseGuard {
    link: Arc<Link>,
    key: StoreKey,
    lease: Lease,
    turn: u64,
    cooldown: Option<Duration>,
    over: bool,
}

impl LeaseGuard {
    pub(super) fn new(link: &Arc<Link>, key: StoreKey, lease: Lease) -> Self {
        let turn = {
            let mut local = link.local();
            local.turn += 1;
            local.turn
        };
        Self {
            link: Arc::clone(link),
            key,
            lease,
            turn,
            cooldown: None,
            over: false,
        }
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The store has ended it.
    pub(super) fn is_over(&mut self) {
        self.over = true;
    }

    /// Gives it back without a token.
    pub(super) async fn abandon(mut self, cooldown: Option<Duration>) {
        self.cooldown = cooldown;
        abandon(&self.link, self.key, self.lease, cooldown).await;
        self.over = true;
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (link, key, lease) = (Arc::clone(&self.link), self.key, self.lease);
        let (turn, cooldown) = (self.turn, self.cooldown);
        let given_back = link.hold_back();
        runtime.spawn(async move {
            // The next fetch may not have waited so long, and have been granted the same lease.
            if link.local().turn == turn {
                abandon(&link, key, lease, cooldown).await;
            }
            drop(given_back);
        });
    }
}

async fn abandon(link: &Link, key: StoreKey, lease: Lease, cooldown: Option<Duration>) {
    let asked = link.ask(Operation::Abandon, |store| {
        Box::pin(async move { store.abandon(&key, &lease, cooldown).await })
    });
    if asked.await.is_ok() {
        link.tell(&StoreEvent::Abandoned { cooldown });
    }
}
