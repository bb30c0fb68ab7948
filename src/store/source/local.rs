use std::time::Duration;

use tokio::sync::watch;

use super::pauses::{Breaker, Limiter};
use crate::{
    store::{Fence, StoreKey},
    token::{FetchContext, Fingerprint, IssuedToken, Moment, Reason, lifetime},
};

/// Until when a process that is alone waits for the others before it renews its token for itself:
/// an outage of the store that is shorter costs no request.
const ALONE_BEFORE: Duration = Duration::from_secs(5 * 60);

/// What a process knows without the store.
#[derive(Default)]
pub(super) struct Local {
    key: Option<StoreKey>,
    /// The highest fence of a token that all could have.
    seen: Fence,
    held: Option<Held>,
    /// Whether its token is one that it got alone, or could not give to the others.
    pub(super) alone: bool,
    pub(super) breaker: Breaker,
    pub(super) limiter: Limiter,
    /// Counts how often it has led, so that who gives up an old lease leaves a new one alone.
    pub(super) turn: u64,
    /// Closed when the last lease that was dropped is given back.
    pub(super) giving_back: Option<watch::Receiver<()>>,
}

/// The token that this process got last.
struct Held {
    issued: IssuedToken,
    fingerprint: Fingerprint,
    /// When the `remaining` of `issued` was left.
    taken: Moment,
    /// Of a token that it got alone: that of the one before.
    fence: Fence,
    shared: bool,
}

impl Held {
    /// The token, with what is left of it now.
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

    /// Forgets the token of this process, which has ended.
    pub(super) fn forget(&mut self) {
        self.held = None;
        self.alone = false;
    }

    /// The token under this key. A fetch may end after the client was replaced: nothing of one is
    /// used for the other.
    fn held(&self, key: &StoreKey) -> Option<&Held> {
        self.held.as_ref().filter(|_| self.key == Some(*key))
    }

    /// The lowest fence that does.
    pub(super) fn at_least(&self, reason: Reason) -> Fence {
        match (&self.held, reason) {
            (_, Reason::Missing) => self.seen,
            // It has found its place meanwhile, and is still good.
            (Some(held), Reason::Check) if held.shared => held.fence,
            (Some(held), _) => held.fence.next(),
            (None, _) => self.seen,
        }
    }

    /// Keeps a token that all have. Returns whether the process was alone before.
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

    /// Keeps a token that only this process has, for now.
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

    /// The token that only this process has, if it does for what is asked: it can be given to all.
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

    /// The token of this process, if it does for now in place of what was asked for. Without a key,
    /// that of the client that was asked for last.
    pub(super) fn spare(&self, key: Option<&StoreKey>, cx: &FetchContext) -> Option<IssuedToken> {
        let held = match key {
            Some(key) => self.held(key)?,
            None => self.held.as_ref()?,
        };
        let beyond = match cx.reason {
            Reason::Forced => return None,
            // What is due has a while yet.
            Reason::Due => ALONE_BEFORE.min(held.issued.lifetime() / 6),
            _ => Duration::ZERO,
        };
        self.good_for(held, cx, beyond)
    }

    /// The token of this process, as long as it can be sent at all.
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
