use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, sleep},
};

use super::link::Link;
use crate::{
    store::{
        Claim, Lease, Lookup, Operation, Publication, StoreError, StoreErrorKind, StoreEvent,
        StoreKey, TokenStore,
    },
    token::{FetchContext, IssuedToken, Moment, Reason},
};

/// The pause before the store is asked again about a lost claim. It doubles
/// twice.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The number of questions. After them the store counts as down, and checks
/// notice when it is back.
const TRIES: u32 = 3;

/// A lease of this process. If its fetch is dropped, the guard gives the lease
/// back.
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

    /// Marks the lease as ended by the store.
    pub(super) fn is_over(&mut self) {
        self.over = true;
    }

    /// Publishes a token, which ends the lease. Keeps it as the shared one
    /// unless the store has a newer one.
    ///
    /// After an error the lease is given back, since the store may not have
    /// ended it.
    pub(super) async fn publish(
        mut self,
        issued: &IssuedToken,
        taken: Moment,
    ) -> Result<Publication, StoreError> {
        let publication = self.link.put(self.key, self.lease, issued, taken).await?;
        self.over = true;
        match &publication {
            Publication::Published => {
                let fence = self.lease.fence;
                self.link.tell(&StoreEvent::Published { fence });
                self.link.share(&self.key, issued, taken, fence);
            }
            Publication::Superseded(winner) => {
                let fence = winner.fence;
                self.link.tell(&StoreEvent::Superseded { fence });
            }
        }
        Ok(publication)
    }

    /// Gives the lease back without a token.
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
            // If the next fetch did not wait long enough, it may have been
            // granted the same lease.
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

/// A claim whose answer was lost. The store may have granted a lease, which all
/// other processes wait for while this process continues without the store.
///
/// Dropped once the process has a token or will get none. A separate task then
/// asks the store again, which recognises the owner, and publishes the token or
/// gives the lease back.
pub(super) struct LostClaim {
    link: Arc<Link>,
    key: StoreKey,
    claim: Claim,
    cx: FetchContext,
    /// The end of the lease that may have been granted.
    until: Instant,
    cooldown: Option<Duration>,
}

impl LostClaim {
    /// Returns `None` if the error proves that nothing was granted.
    pub(super) fn after(
        error: &StoreError,
        link: &Arc<Link>,
        key: StoreKey,
        claim: Claim,
        cx: &FetchContext,
    ) -> Option<Self> {
        use StoreErrorKind as Kind;
        if !matches!(error.kind(), Kind::Timeout | Kind::Unavailable) {
            return None;
        }
        let mut cx = cx.clone();
        // A check: it publishes any token of this process that the API has not
        // refused.
        cx.reason = Reason::Check;
        let lasts = link.sharing().lease;
        Some(Self {
            link: Arc::clone(link),
            key,
            until: Instant::now().checked_add(lasts)?,
            claim,
            cx,
            cooldown: None,
        })
    }

    /// Sets the cooldown for the other processes, in case this process gets no
    /// token.
    pub(super) fn cool_down(&mut self, cooldown: Option<Duration>) {
        self.cooldown = cooldown;
    }
}

impl Drop for LostClaim {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let settling = Settling {
            link: Arc::clone(&self.link),
            key: self.key,
            claim: self.claim.clone(),
            cx: self.cx.clone(),
            until: self.until,
            cooldown: self.cooldown,
            turn: self.link.local().turn,
        };
        let settled = self.link.hold_back();
        runtime.spawn(settling.run(settled));
    }
}

/// A lost claim in the task that settles it.
struct Settling {
    link: Arc<Link>,
    key: StoreKey,
    claim: Claim,
    cx: FetchContext,
    until: Instant,
    cooldown: Option<Duration>,
    /// The process's turn at that time. A later turn has its own lease or the
    /// store's answer.
    turn: u64,
}

impl Settling {
    /// Asks the store about the claim. Meanwhile, the next fetch of this
    /// process waits for `settled`.
    async fn run(self, mut settled: watch::Sender<()>) {
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            match self.look_up().await {
                Ok(Lookup::Leased(lease)) if self.is_current() => {
                    let guard = LeaseGuard::new(&self.link, self.key, lease);
                    return self.settle(guard).await;
                }
                // The store granted nothing, or the lease is over.
                Ok(_) => return,
                Err(_told) => drop(settled),
            }
            if Instant::now() + pause >= self.until {
                return;
            }
            sleep(pause).await;
            pause *= 2;
            if !self.is_current() {
                return;
            }
            settled = self.link.hold_back();
        }
    }

    fn is_current(&self) -> bool {
        self.link.local().turn == self.turn
    }

    async fn look_up(&self) -> Result<Lookup, StoreError> {
        let (key, claim) = (self.key, self.claim.clone());
        let call = async move |store: &dyn TokenStore| store.get_or_lease(&key, &claim).await;
        self.link
            .ask(Operation::GetOrLease, |store| Box::pin(call(store)))
            .await
    }

    /// Publishes the token of this process, or gives the lease back.
    async fn settle(&self, guard: LeaseGuard) {
        let own = self.link.local().unshared(&self.key, &self.cx);
        match own {
            // If the store has a newer token, the next check adopts it.
            Some((issued, taken)) => drop(guard.publish(&issued, taken).await),
            None => guard.abandon(self.cooldown).await,
        }
    }
}
