//! The knowledge of a process apart from the store: its last token, and how it
//! stands to the store.

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

/// The knowledge of a process apart from the store. A lock protects it; none of
/// its methods waits or calls foreign code.
#[derive(Default)]
pub(super) struct Local {
    /// The key of the client whose token `own` is.
    key: Option<StoreKey>,
    /// The highest fence of a token that was published.
    seen: Fence,
    own: Option<OwnToken>,
    /// Whether the token of this process is not in the store: fetched without
    /// the store, or not published.
    pub(super) alone: bool,
    pub(super) breaker: Breaker,
    pub(super) limiter: Limiter,
    /// The number of leases so far. An old lease that is returned checks it, to
    /// spare a newer one.
    pub(super) turn: u64,
    /// Closed once the last dropped lease has been returned.
    pub(super) returning: Option<watch::Receiver<()>>,
}

/// The token that this process got last.
struct OwnToken {
    issued: IssuedToken,
    fingerprint: Fingerprint,
    /// The time at which `issued` had its `remaining`.
    taken: Moment,
    /// The token's fence; for an unpublished token, the fence of the token
    /// before it.
    fence: Fence,
    is_published: bool,
}

impl OwnToken {
    /// Returns the token with its current remaining lifetime.
    fn now(&self) -> IssuedToken {
        let left = { self.issued.remaining() }.saturating_sub(Moment::now().since(self.taken));
        self.issued.clone().with_remaining(left)
    }

    /// Returns the token unless the API refused it, or less than the margin or
    /// `beyond` is left of its lifetime.
    fn good_for(&self, cx: &FetchContext, beyond: Duration) -> Option<IssuedToken> {
        let now = self.now();
        let margin = lifetime::margin(cx.expiry_margin, now.lifetime()).max(beyond);
        (now.remaining() > margin && cx.rejected != Some(self.fingerprint)).then_some(now)
    }
}

impl Local {
    /// Forgets the tokens of another client. The fences of two clients are
    /// unrelated, so the highest one is forgotten, too.
    pub(super) fn use_key(&mut self, key: StoreKey) {
        if self.key != Some(key) {
            self.key = Some(key);
            self.own = None;
            self.seen = Fence::NONE;
        }
    }

    /// Forgets the token of this process, which was revoked.
    pub(super) fn forget(&mut self) {
        self.own = None;
        self.alone = false;
    }

    /// Returns the token of this key. A fetch may end after the client was
    /// replaced, and must not use the token of another client.
    fn own(&self, key: &StoreKey) -> Option<&OwnToken> {
        self.own.as_ref().filter(|_| self.key == Some(*key))
    }

    /// Returns the lowest fence that a fetch for this reason accepts.
    pub(super) fn at_least(&self, reason: Reason) -> Fence {
        match (&self.own, reason) {
            // The cache has no token, so the last published one is as good as a
            // newer one.
            (_, Reason::Missing) => self.seen,
            // A check accepts the current token, which was published meanwhile.
            (Some(own), Reason::Check) if own.is_published => own.fence,
            // The cache has this token already and asks for another one.
            (Some(own), _) => own.fence.next(),
            // After a start or a revocation: any token that is not older than
            // one that this process has seen.
            (None, _) => self.seen,
        }
    }

    /// Keeps a token that is in the store under this fence. Returns whether the
    /// process was alone before.
    pub(super) fn keep_published(
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
        self.set(issued, taken, fence, true);
        std::mem::take(&mut self.alone)
    }

    /// Keeps a token that only this process has so far.
    pub(super) fn keep_unpublished(&mut self, key: &StoreKey, issued: IssuedToken, taken: Moment) {
        if self.key != Some(*key) {
            return;
        }
        // The store gave it no fence, so it counts as not older than the token
        // that it replaces.
        let fence = self.own.as_ref().map_or(self.seen, |own| own.fence);
        self.set(issued, taken, fence, false);
    }

    fn set(&mut self, issued: IssuedToken, taken: Moment, fence: Fence, is_published: bool) {
        self.own = Some(OwnToken {
            fingerprint: Fingerprint::of(issued.expose()),
            issued,
            taken,
            fence,
            is_published,
        });
    }

    /// Returns the unpublished token if it suits this fetch, so that it can be
    /// published instead of a new one.
    pub(super) fn unpublished(
        &self,
        key: &StoreKey,
        cx: &FetchContext,
    ) -> Option<(IssuedToken, Moment)> {
        let own = self.own(key).filter(|own| !own.is_published)?;
        // A token that is due here would be due for all, and a forced renewal
        // needs a new one.
        if matches!(cx.reason, Reason::Due | Reason::Forced) {
            return None;
        }
        own.good_for(cx, Duration::ZERO)
            .map(|issued| (issued, Moment::now()))
    }

    /// Returns the token of this process if it suits this fetch for now.
    /// Without a key, it is the token of the client that was used last.
    pub(super) fn spare(&self, key: Option<&StoreKey>, cx: &FetchContext) -> Option<IssuedToken> {
        let own = match key {
            Some(key) => self.own(key)?,
            None => self.own.as_ref()?,
        };
        let beyond = match cx.reason {
            Reason::Forced => return None,
            // A token that is due for renewal is still valid for a while.
            Reason::Due => ALONE_BEFORE.min(own.issued.lifetime() / 6),
            _ => Duration::ZERO,
        };
        own.good_for(cx, beyond)
    }

    /// Returns the token of this process for as long as the API accepts it.
    pub(super) fn last_resort(&self, key: &StoreKey, cx: &FetchContext) -> Option<IssuedToken> {
        let own = self.own(key)?;
        match cx.reason {
            Reason::Forced => None,
            _ => own.good_for(cx, Duration::ZERO),
        }
    }
}
