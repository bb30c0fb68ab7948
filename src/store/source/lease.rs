//! The lease of this process, and a claim of one whose answer was lost. Both
//! end in a separate task if their fetch is dropped.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, sleep},
};

use super::member::Member;
use crate::{
    store::{
        Claim, Lease, Lookup, Operation, Publication, StoreError, StoreErrorKind, StoreEvent,
        StoreKey,
    },
    token::{FetchContext, IssuedToken, Moment, Reason},
};

/// The pause before the store is asked again about a lost claim. It doubles
/// after each question.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The number of questions. After them the store counts as down, and checks
/// notice when it is back.
const TRIES: u32 = 3;

/// A lease of this process. If its fetch is dropped, the guard returns the
/// lease in a separate task.
pub(super) struct LeaseGuard {
    member: Arc<Member>,
    key: StoreKey,
    lease: Lease,
    /// The number of this lease among those of the process.
    turn: u64,
    /// The cooldown for the other processes, if the lease ends without a token.
    cooldown: Option<Duration>,
    /// Whether the store has ended the lease, so that nothing is left to
    /// return.
    over: bool,
}

impl LeaseGuard {
    /// Guards a lease that the store has just granted, and begins a new turn of
    /// the process.
    pub(super) fn new(member: &Arc<Member>, key: StoreKey, lease: Lease) -> Self {
        let turn = {
            let mut local = member.local();
            local.turn += 1;
            local.turn
        };
        Self {
            member: Arc::clone(member),
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
    pub(super) fn mark_over(&mut self) {
        self.over = true;
    }

    /// Publishes a token, which ends the lease. Keeps it as the published one
    /// unless the store has a newer one.
    ///
    /// After an error, the guard returns the lease, since the store may not
    /// have ended it.
    pub(super) async fn publish(
        mut self,
        issued: &IssuedToken,
        taken: Moment,
    ) -> Result<Publication, StoreError> {
        let publication = self
            .member
            .publish(self.key, self.lease, issued, taken)
            .await?;
        self.over = true;
        match &publication {
            Publication::Published => {
                let fence = self.lease.fence;
                self.member.tell(&StoreEvent::Published { fence });
                self.member.keep_published(&self.key, issued, taken, fence);
            }
            Publication::Superseded(winner) => {
                let fence = winner.fence;
                self.member.tell(&StoreEvent::Superseded { fence });
            }
        }
        Ok(publication)
    }

    /// Returns the lease without a token, and waits for the store. The other
    /// processes may lead after `cooldown`.
    pub(super) async fn abandon(mut self, cooldown: Option<Duration>) {
        // Set first, for the drop of this future at the await below.
        self.cooldown = cooldown;
        abandon(&self.member, self.key, self.lease, cooldown).await;
        self.over = true;
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        // Without a runtime, the others wait until the lease expires.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (member, key, lease) = (Arc::clone(&self.member), self.key, self.lease);
        let (turn, cooldown) = (self.turn, self.cooldown);
        let returned = self.member.begin_return();
        runtime.spawn(async move {
            // If the next fetch did not wait long enough, it may have been
            // granted the same lease.
            if member.local().turn == turn {
                abandon(&member, key, lease, cooldown).await;
            }
            drop(returned);
        });
    }
}

/// Returns a lease. A failure has been reported, and costs the other processes
/// the rest of the lease.
async fn abandon(member: &Member, key: StoreKey, lease: Lease, cooldown: Option<Duration>) {
    let asked = member.ask(Operation::Abandon, |store| {
        Box::pin(async move { store.abandon(&key, &lease, cooldown).await })
    });
    if asked.await.is_ok() {
        member.tell(&StoreEvent::Abandoned { cooldown });
    }
}

/// A claim whose answer was lost. The store may have granted a lease, which all
/// other processes wait for while this process continues without the store.
///
/// Dropped once the process has a token or will get none. A separate task then
/// asks the store again, which recognises the owner, and publishes the token or
/// returns the lease.
pub(super) struct LostClaim {
    member: Arc<Member>,
    key: StoreKey,
    claim: Claim,
    cx: FetchContext,
    /// The end of the lease that may have been granted.
    until: Instant,
    cooldown: Option<Duration>,
}

impl LostClaim {
    /// Returns the claim that failed with this error, or `None` if the error
    /// proves that nothing was granted.
    pub(super) fn after(
        error: &StoreError,
        member: &Arc<Member>,
        key: StoreKey,
        claim: Claim,
        cx: &FetchContext,
    ) -> Option<Self> {
        use StoreErrorKind as Kind;
        // A panic counts as unavailable, and may have come after the grant.
        if !matches!(error.kind(), Kind::Timeout | Kind::Unavailable) {
            return None;
        }
        let mut cx = cx.clone();
        // A check: it publishes any token of this process that the API has not
        // refused.
        cx.reason = Reason::Check;
        let lasts = member.sharing().lease;
        Some(Self {
            member: Arc::clone(member),
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
        // Without a runtime, the others wait until the lease expires.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let settling = Settling {
            member: Arc::clone(&self.member),
            key: self.key,
            claim: self.claim.clone(),
            cx: self.cx.clone(),
            until: self.until,
            cooldown: self.cooldown,
            turn: self.member.local().turn,
        };
        let settled = self.member.begin_return();
        runtime.spawn(settling.run(settled));
    }
}

/// A lost claim in the task that settles it.
struct Settling {
    member: Arc<Member>,
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
        for further in (0..TRIES).rev() {
            match self.member.look_up(self.key, &self.claim).await {
                Ok(Lookup::Leased(lease)) if self.is_current() => {
                    let guard = LeaseGuard::new(&self.member, self.key, lease);
                    return self.settle(guard).await;
                }
                // The store granted nothing, or the lease is over.
                Ok(_) => return,
                // The next fetch need not wait for a store that is down.
                Err(_told) => drop(settled),
            }
            // No question follows the last one, or the end of the lease, which
            // then has expired by itself.
            if further == 0 || Instant::now() + pause >= self.until {
                return;
            }
            sleep(pause).await;
            pause *= 2;
            if !self.is_current() {
                return;
            }
            settled = self.member.begin_return();
        }
    }

    /// Returns whether the process has had no lease since. The store grants one
    /// owner the same lease again, so an older question must not end it.
    fn is_current(&self) -> bool {
        self.member.local().turn == self.turn
    }

    /// Publishes the token of this process, or returns the lease.
    async fn settle(&self, guard: LeaseGuard) {
        let own = self.member.local().unpublished(&self.key, &self.cx);
        match own {
            // If the store has a newer token, the next check adopts it.
            Some((issued, taken)) => drop(guard.publish(&issued, taken).await),
            None => guard.abandon(self.cooldown).await,
        }
    }
}
