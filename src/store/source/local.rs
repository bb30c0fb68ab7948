use std::time::Duration;

use tokio::sync::watch;

use super::pauses::{Breaker, Limiter};
use crate::{
    store::{Fence, StoreKey},
    token::{FetchContext, Fingerprint, IssuedToken, Moment, Reason, lifetime},
};

/// How long before expiry a process without the store renews its token by
/// itself. Until then it waits for the others: a shorter outage of the store
/// costs no request.
const ALONE_BEFORE: Duration = Duration::from_secs(5 * 60);

/// The knowledge of a process apart from the store.
#[derive(Default)]
pub(super) struct Local {
    key: Option<StoreKey>,
    /// The highest fence of a token that was published.
    seen: Fence,
    held: Option<Held>,
    /// Whether its token is not shared: fetched without the store, or not
    /// published.
    pub(super) alone: bool,
    pub(super) breaker: Breaker,
    pub(super) limiter: Limiter,
    /// The number of leases so far. An old lease that is given back checks it,
    /// to spare a newer one.
    pub(super) turn: u64,
    /// Closed once the last dropped lease has been given back.
    pub(super) giving_back: Option<watch::Receiver<()>>,
}

/// The token that this process got last.
struct Held {
    issued: IssuedToken,
    fingerprint: Fingerprint,
    /// The time at which `issued` had its `remaining`.
    taken: Moment,
    /// The token's fence; for an unshared token, the fence of the token before
    /// it.
    fence: Fence,
    shared: bool,
}

impl Held {
    /// Returns the token with its current remaining lifetime.
    fn now(&self) -> IssuedToken {
        let left = { self.issued.remaining() }.saturating_sub(Moment::now().since(self.taken));
        self.issued.clone().with_remaining(left)
    }
}

impl Local {
    /// Forgets the tokens of another client.
    pub(super) fn turn_to(&mut self, key: StoreKey) {
        if self.key != Some(key) {
            self.key = Some(key);
            self.held = None;
            self.seen = Fence::NONE;
        }
    }

    /// Forgets the token of this process, which was revoked.
    pub(super) fn forget(&mut self) {
        self.held = None;
        self.alone = false;
    }

    /// Returns the token of this key. A fetch may end after the client was
    /// replaced, and must not use the token of another client.
    fn held(&self, key: &StoreKey) -> Option<&Held> {
        self.held.as_ref().filter(|_| self.key == Some(*key))
    }

    /// Returns the lowest acceptable fence.
    pub(super) fn at_least(&self, reason: Reason) -> Fence {
        match (&self.held, reason) {
            (_, Reason::Missing) => self.seen,
            // A check accepts the current token, which was published meanwhile.
            (Some(held), Reason::Check) if held.shared => held.fence,
            (Some(held), _) => held.fence.next(),
            (None, _) => self.seen,
        }
    }

    /// Keeps a published token. Returns whether the process was without the
    /// store before.
    pub(super) fn share(
        &mut self,
        key: &StoreKey,
        issued: IssuedToken,
        taken: Moment,
        fence: Fence,
    ) -> bool {
        if self.key != Some(*key) {
            return false;
        }
        self.seen = self.seen.max(fence);
        self.hold(issued, taken, fence, true);
        std::mem::take(&mut self.alone)
    }

    /// Keeps a token that only this process has so far.
    pub(super) fn keep(&mut self, key: &StoreKey, issued: IssuedToken, taken: Moment) {
        if self.key != Some(*key) {
            return;
        }
        let fence = self.held.as_ref().map_or(self.seen, |held| held.fence);
        self.hold(issued, taken, fence, false);
    }

    fn hold(&mut self, issued: IssuedToken, taken: Moment, fence: Fence, shared: bool) {
        self.held = Some(Held {
            fingerprint: Fingerprint::of(issued.expose()),
            issued,
            taken,
            fence,
            shared,
        });
    }

    /// Returns the unshared token if it suits this fetch, so that it can be
    /// published.
    pub(super) fn unshared(
        &self,
        key: &StoreKey,
        cx: &FetchContext,
    ) -> Option<(IssuedToken, Moment)> {
        let held = self.held(key).filter(|held| !held.shared)?;
        if matches!(cx.reason, Reason::Due | Reason::Forced) {
            return None;
        }
        self.good_for(held, cx, Duration::ZERO)
            .map(|issued| (issued, Moment::now()))
    }

    /// Returns the token of this process if it suits this fetch for now.
    /// Without a key, it is the token of the client that was used last.
    pub(super) fn spare(&self, key: Option<&StoreKey>, cx: &FetchContext) -> Option<IssuedToken> {
        let held = match key {
            Some(key) => self.held(key)?,
            None => self.held.as_ref()?,
        };
        let beyond = match cx.reason {
            Reason::Forced => return None,
            // A token that is due for renewal is still valid for a while.
            Reason::Due => ALONE_BEFORE.min(held.issued.lifetime() / 6),
            _ => Duration::ZERO,
        };
        self.good_for(held, cx, beyond)
    }

    /// Returns the token of this process for as long as the API accepts it.
    pub(super) fn last_resort(&self, key: &StoreKey, cx: &FetchContext) -> Option<IssuedToken> {
        let held = self.held(key)?;
        match cx.reason {
            Reason::Forced => None,
            _ => self.good_for(held, cx, Duration::ZERO),
        }
    }

    fn good_for(&self, held: &Held, cx: &FetchContext, beyond: Duration) -> Option<IssuedToken> {
        let now = held.now();
        let margin = lifetime::margin(cx.expiry_margin, now.lifetime()).max(beyond);
        (now.remaining() > margin && cx.rejected != Some(held.fingerprint)).then_some(now)
    }
}
