use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tower_genesys::store::{
    Claim, Entry, Fence, Lease, Lookup, Publication, StoreFuture, StoreKey, TokenStore,
};

/// What there is under a key. Times are by one clock: since 1970.
#[derive(Clone, Default)]
struct Row {
    entry: Option<(Entry, Duration)>,
    lease: Option<(Lease, Duration)>,
    cooldown: Duration,
    last: Fence,
}

/// Stands for a table with transactions: one operation changes one row, alone.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<HashMap<[u8; 32], Row>>>);

impl Table {
    fn transaction<'a, T: Send + 'a>(
        &self,
        key: &StoreKey,
        act: impl FnOnce(&mut Row, Duration) -> T,
    ) -> StoreFuture<'a, T> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(
            rows.entry(*key.as_bytes()).or_default(),
            now.unwrap_or_default(),
        );
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl Row {
    /// The token, if it lives, with what is left of it.
    fn live(&self, now: Duration) -> Option<Entry> {
        let (entry, until) = self.entry.clone()?;
        let remaining = until.checked_sub(now).filter(|left| !left.is_zero())?;
        Some(entry.with_remaining(remaining))
    }

    /// Only its owner ends a lease.
    fn end(&mut self, lease: &Lease) -> Option<Duration> {
        let ended = self.lease.take_if(|(held, _)| held == lease);
        ended.map(|(_, until)| until)
    }
}

impl TokenStore for Table {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        self.transaction(key, |row, now| {
            if let Some(entry) = row.live(now).filter(|entry| claim.accepts(entry)) {
                return Lookup::Token(entry);
            }
            let held = row.lease.filter(|(_, until)| *until > now);
            let own = held.filter(|(held, _)| held.owner == claim.owner);
            if own.is_none() && row.cooldown > now {
                return Lookup::Cooldown(row.cooldown - now);
            }
            if let (Some((_, until)), None) = (held, own) {
                return Lookup::Busy(until - now);
            }
            let fence = match own {
                Some((own, _)) if own.fence > claim.at_least && own.fence >= row.last => own.fence,
                _ => row
                    .last
                    .max(claim.at_least)
                    .next()
                    .max(Fence::new(now.as_millis() as u64)),
            };
            let lease = Lease::new(claim.owner, fence);
            (row.last, row.lease) = (fence, Some((lease, now + claim.lease)));
            Lookup::Leased(lease)
        })
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        self.transaction(key, |row, now| {
            row.end(lease);
            if let Some(newer) = row.live(now).filter(|held| held.fence >= entry.fence) {
                return Publication::Superseded(newer);
            }
            row.last = row.last.max(entry.fence);
            row.entry = Some((entry.clone(), now + entry.remaining.min(entry.lifetime)));
            Publication::Published
        })
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        self.transaction(key, |row, now| {
            let held = row.end(lease).is_some_and(|until| until > now);
            if let Some(cooldown) = cooldown.filter(|_| held) {
                row.cooldown = row.cooldown.max(now + cooldown);
            }
        })
    }
}
