use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Claim, Entry, Fence, Lease, Lookup, Owner, Publication};

/// What a store holds under one key: the rules of [`TokenStore`](crate::store::TokenStore), without clock or lock.
#[derive(Debug, Default)]
pub(super) struct Slot {
    entry: Option<(Entry, Instant)>,
    lease: Option<Leased>,
    cooldown_until: Option<Instant>,
    last: Fence,
}

#[derive(Clone, Copy, Debug)]
struct Leased {
    owner: Owner,
    fence: Fence,
    until: Instant,
}

impl Slot {
    /// The token, with what is left of its life now.
    pub(super) fn entry(&self, now: Instant) -> Option<Entry> {
        let (entry, until) = self.entry.as_ref()?;
        let remaining = until.saturating_duration_since(now);
        (!remaining.is_zero()).then(|| Entry {
            remaining,
            ..entry.clone()
        })
    }

    pub(super) fn put(&mut self, entry: &Entry, now: Instant) {
        self.last = self.last.max(entry.fence);
        let until = later(now, entry.remaining.min(entry.lifetime));
        self.entry = Some((entry.clone(), until));
    }

    /// `floor`: the store's clock in milliseconds.
    pub(super) fn get_or_lease(&mut self, claim: &Claim, now: Instant, floor: Fence) -> Lookup {
        let entry = self.entry(now);
        if let Some(entry) = entry.filter(|entry| claim.accepts(entry)) {
            return Lookup::Token(entry);
        }
        let held = self.lease.filter(|lease| now < lease.until);
        let own = held.filter(|lease| lease.owner == claim.owner);
        if let Some(cooldown) = self.cooldown(now).filter(|_| own.is_none()) {
            return Lookup::Cooldown(cooldown);
        }
        if let Some(lease) = held.filter(|_| own.is_none()) {
            return Lookup::Busy(lease.until - now);
        }
        let own = own.filter(|own| own.fence > claim.at_least && own.fence >= self.last);
        let fence = match own {
            Some(own) => own.fence,
            None => self.last.max(claim.at_least).next().max(floor),
        };
        self.last = self.last.max(fence);
        self.lease = Some(Leased {
            owner: claim.owner,
            fence,
            until: later(now, claim.lease),
        });
        Lookup::Leased(Lease::new(claim.owner, fence))
    }

    pub(super) fn publish(&mut self, lease: &Lease, entry: &Entry, now: Instant) -> Publication {
        self.end(lease);
        if let Some(newer) = self.entry(now).filter(|held| held.fence >= entry.fence) {
            return Publication::Superseded(newer);
        }
        self.put(entry, now);
        Publication::Published
    }

    pub(super) fn abandon(&mut self, lease: &Lease, cooldown: Option<Duration>, now: Instant) {
        let held = self.lease.is_some_and(|held| now < held.until);
        if !self.end(lease) || !held {
            return;
        }
        if let Some(cooldown) = cooldown {
            let until = later(now, cooldown);
            self.cooldown_until = self.cooldown_until.max(Some(until));
        }
    }

    /// Ends this lease, if it is still the one that is held.
    fn end(&mut self, lease: &Lease) -> bool {
        let is_it = |held: &mut Leased| held.owner == lease.owner && held.fence == lease.fence;
        self.lease.take_if(is_it).is_some()
    }

    fn cooldown(&self, now: Instant) -> Option<Duration> {
        let left = self.cooldown_until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

/// A time that no clock can show counts as a year.
fn later(now: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    now.checked_add(wait).unwrap_or_else(|| now + YEAR)
}
