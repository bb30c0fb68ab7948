use std::time::Duration;

use super::{Claim, Entry, Fence, Lease, Lookup, Owner, Publication};

/// What a store holds under one key: the rules of [`TokenStore`](super::TokenStore), without clock
/// or lock.
///
/// `now` is the store's clock: the time since 1970.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) entry: Option<(Entry, Span)>,
    pub(super) lease: Option<Leased>,
    pub(super) cooldown: Option<Span>,
    pub(super) last: Fence,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Leased {
    pub(super) owner: Owner,
    pub(super) fence: Fence,
    pub(super) span: Span,
}

/// From when until when something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Duration,
    pub(super) until: Duration,
}

impl Span {
    pub(super) fn new(now: Duration, wait: Duration) -> Self {
        Self {
            from: now,
            until: now.saturating_add(wait),
        }
    }

    /// What is left of it. Nothing before it began: a clock that was set back cannot tell how much
    /// is over by now.
    pub(super) fn left(self, now: Duration) -> Duration {
        match now < self.from {
            true => Duration::ZERO,
            false => self.until.saturating_sub(now),
        }
    }

    fn holds(self, now: Duration) -> bool {
        !self.left(now).is_zero()
    }
}

impl Slot {
    /// The token, with what is left of its life now.
    pub(super) fn entry(&self, now: Duration) -> Option<Entry> {
        let (entry, span) = self.entry.as_ref()?;
        let left = span.left(now).min(entry.lifetime);
        span.holds(now).then(|| entry.clone().with_remaining(left))
    }

    pub(super) fn put(&mut self, entry: &Entry, now: Duration) {
        self.last = self.last.max(entry.fence);
        let span = Span::new(now, entry.remaining.min(entry.lifetime));
        self.entry = Some((entry.clone(), span));
    }

    /// Changes nothing unless it grants a lease.
    pub(super) fn get_or_lease(&mut self, claim: &Claim, now: Duration) -> Lookup {
        let entry = self.entry(now);
        if let Some(entry) = entry.filter(|entry| claim.accepts(entry)) {
            return Lookup::Token(entry);
        }
        let held = self.lease.filter(|lease| lease.span.holds(now));
        let own = held.filter(|lease| lease.owner == claim.owner);
        if let Some(cooldown) = self.cooldown(now).filter(|_| own.is_none()) {
            return Lookup::Cooldown(cooldown);
        }
        if let Some(lease) = held.filter(|_| own.is_none()) {
            return Lookup::Busy(lease.span.left(now));
        }
        let own = own.filter(|own| own.fence > claim.at_least && own.fence >= self.last);
        let fence = match own {
            Some(own) => own.fence,
            None => self.last.max(claim.at_least).next().max(floor(now)),
        };
        self.last = self.last.max(fence);
        self.lease = Some(Leased {
            owner: claim.owner,
            fence,
            span: Span::new(now, claim.lease),
        });
        Lookup::Leased(Lease::new(claim.owner, fence))
    }

    pub(super) fn publish(&mut self, lease: &Lease, entry: &Entry, now: Duration) -> Publication {
        self.end(lease);
        if let Some(newer) = self.entry(now).filter(|held| held.fence >= entry.fence) {
            return Publication::Superseded(newer);
        }
        self.put(entry, now);
        Publication::Published
    }

    /// Whether that changed anything.
    pub(super) fn abandon(
        &mut self,
        lease: &Lease,
        cooldown: Option<Duration>,
        now: Duration,
    ) -> bool {
        let held = self.lease.is_some_and(|held| held.span.holds(now));
        if !self.end(lease) {
            return false;
        }
        if let Some(wait) = cooldown.filter(|_| held) {
            let longer = self.cooldown(now).is_none_or(|left| left < wait);
            if longer {
                self.cooldown = Some(Span::new(now, wait));
            }
        }
        true
    }

    /// Ends this lease, if it is still the one that is held.
    fn end(&mut self, lease: &Lease) -> bool {
        let is_it = |held: &mut Leased| held.owner == lease.owner && held.fence == lease.fence;
        self.lease.take_if(is_it).is_some()
    }

    fn cooldown(&self, now: Duration) -> Option<Duration> {
        let left = self.cooldown?.left(now);
        (!left.is_zero()).then_some(left)
    }
}

/// The lowest fence that may be granted now.
fn floor(now: Duration) -> Fence {
    Fence::new(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Fingerprint;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const LEASE: Duration = Duration::from_secs(10);
    const LIFE: Duration = Duration::from_secs(86_400);

    fn claim() -> Claim {
        Claim::new(Owner::random().expect("randomness"), LEASE)
    }

    fn leased(slot: &mut Slot, now: Duration) -> Lease {
        match slot.get_or_lease(&claim(), now) {
            Lookup::Leased(lease) => lease,
            other => panic!("a lease was expected: {other:?}"),
        }
    }

    fn with_token() -> Slot {
        let mut slot = Slot::default();
        let lease = leased(&mut slot, NOW);
        let print = Fingerprint::of("token");
        let entry = Entry::new(lease.fence, print, "token", LIFE);
        slot.publish(&lease, &entry, NOW);
        slot
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let mut slot = Slot::default();
        let first = leased(&mut slot, NOW);
        let before = NOW - LIFE;
        let second = leased(&mut slot, before);
        assert!(second.fence > first.fence);

        slot.abandon(&second, Some(LIFE * 9), before);
        assert!(matches!(
            slot.get_or_lease(&claim(), before),
            Lookup::Cooldown(_)
        ));
        let third = leased(&mut slot, before - LIFE);
        assert!(third.fence > second.fence);
    }

    #[test]
    fn a_token_from_the_future_is_not_used() {
        let mut slot = with_token();
        assert_eq!(slot.entry(NOW).expect("a token").remaining, LIFE);
        assert!(slot.entry(NOW - Duration::from_millis(1)).is_none());
        leased(&mut slot, NOW - LIFE);
    }

    #[test]
    fn a_clock_that_was_set_forward_ends_things_early_and_never_late() {
        let mut slot = with_token();
        assert!(slot.entry(NOW + LIFE).is_none());
        let lease = leased(&mut slot, NOW + LIFE);
        let next = leased(&mut slot, NOW + LIFE * 2);
        assert!(next.fence > lease.fence);
    }

    #[test]
    fn never_more_is_left_than_the_whole_life_whatever_was_put() {
        let mut slot = with_token();
        let (entry, span) = slot.entry.as_mut().expect("a token");
        entry.lifetime = LEASE;
        span.until = Duration::MAX;
        assert_eq!(slot.entry(NOW).expect("a token").remaining, LEASE);
    }
}
