//! The entries of the registry and the rules about them, without clock or lock.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::{Shared, WeakShared};

use super::error::OrgsError;
use crate::genesys::Org;

/// A build in progress, which all its callers poll.
pub(super) type Built = Pin<Box<dyn Future<Output = Result<Org, OrgsError>> + Send>>;

/// Identifies a build. A build that ends must not touch the entry of a later
/// build of its key.
pub(super) type BuildId = u64;

/// The entries by key, without clock or lock.
///
/// `now` is the time since the registry was created. Methods return the entries
/// that they remove, so that the caller drops them after it has released its
/// lock.
pub(super) struct Table<K> {
    entries: HashMap<K, Entry>,
    capacity: usize,
    /// How many entries are built, so that counting needs no walk.
    held: usize,
    pub(super) closed: bool,
}

/// An organisation, or its build.
pub(super) enum Entry {
    /// Held weakly: the callers own the build, and it ends with the last of
    /// them.
    Building(BuildId, WeakShared<Built>),
    Held(Held),
}

/// A built organisation, and when it was last requested.
pub(super) struct Held {
    pub(super) org: Org,
    /// When a caller last asked for it, in milliseconds.
    used: AtomicU64,
}

impl Held {
    pub(super) fn touch(&self, now: Duration) {
        // The maximum keeps a delayed reader from moving the time back.
        self.used.fetch_max(millis(now), Ordering::Relaxed);
    }

    /// Reports whether only the table has the organisation. Under the write
    /// lock this stays true, since no caller can get the organisation.
    fn is_idle(&self) -> bool {
        !self.org.is_in_use()
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

impl<K> Table<K> {
    /// Returns how many organisations are built.
    pub(super) fn held(&self) -> usize {
        self.held
    }
}

impl<K: Hash + Eq> Table<K> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            capacity,
            held: 0,
            closed: false,
        }
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&Entry>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.get(key)
    }

    /// Notes that this key is being built. If the table is full, evicts the
    /// least recently requested idle organisation.
    pub(super) fn begin(
        &mut self,
        key: K,
        id: BuildId,
        building: WeakShared<Built>,
    ) -> Result<Option<(K, Entry)>, OrgsError>
    where
        K: Clone,
    {
        let mut removed = None;
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            // Nothing in use is closed, so a full table refuses instead.
            let Some(oldest) = self.oldest_idle() else {
                return Err(OrgsError::full(self.capacity));
            };
            removed = self.take(&oldest);
        }
        let replaced = self
            .entries
            .insert(key.clone(), Entry::Building(id, building));
        Ok(removed.or(replaced.map(|entry| (key, entry))))
    }

    /// Keeps a built organisation, unless its key was removed meanwhile.
    pub(super) fn finish(
        &mut self,
        key: &K,
        id: BuildId,
        org: Org,
        now: Duration,
    ) -> Option<Entry> {
        let entry = self
            .entries
            .get_mut(key)
            .filter(|entry| entry.is_build(id))?;
        let used = AtomicU64::new(millis(now));
        self.held += 1;
        Some(std::mem::replace(entry, Entry::Held(Held { org, used })))
    }

    /// Removes a build that failed or was dropped.
    pub(super) fn give_up(&mut self, key: &K, id: BuildId) -> Option<(K, Entry)> {
        match self.entries.get(key)?.is_build(id) {
            true => self.take(key),
            false => None,
        }
    }

    /// Removes the entry of this key.
    pub(super) fn take<Q>(&mut self, key: &Q) -> Option<(K, Entry)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let removed = self.entries.remove_entry(key)?;
        self.held -= usize::from(matches!(removed.1, Entry::Held(_)));
        Some(removed)
    }

    /// Removes the idle entries that were last asked for this long ago.
    pub(super) fn take_idle(&mut self, idle: Duration, now: Duration) -> Vec<(K, Entry)>
    where
        K: Clone,
    {
        let limit = millis(now.saturating_sub(idle));
        // Otherwise the limit would be 0, and an organisation of the first
        // millisecond idle.
        if now < idle {
            return Vec::new();
        }
        let over = self.idle().filter(|(used, _)| *used <= limit);
        let over: Vec<_> = over.map(|(_, key)| key.clone()).collect();
        over.iter().filter_map(|key| self.take(key)).collect()
    }

    /// Removes all entries, and accepts no more.
    pub(super) fn close(&mut self) -> HashMap<K, Entry> {
        self.closed = true;
        self.held = 0;
        std::mem::take(&mut self.entries)
    }

    fn oldest_idle(&self) -> Option<K>
    where
        K: Clone,
    {
        let oldest = self.idle().min_by_key(|(used, _)| *used);
        oldest.map(|(_, key)| key.clone())
    }

    /// Returns the idle entries, and when each was last asked for. A build is
    /// never idle: one without a waiter removes itself.
    fn idle(&self) -> impl Iterator<Item = (u64, &K)> {
        self.entries.iter().filter_map(|(key, entry)| match entry {
            Entry::Held(held) if held.is_idle() => Some((held.used(), key)),
            _ => None,
        })
    }
}

impl Entry {
    pub(super) fn into_org(self) -> Option<Org> {
        match self {
            Self::Held(held) => Some(held.org),
            Self::Building(..) => None,
        }
    }

    /// Returns the build in progress, for a further caller to wait on.
    pub(super) fn building(&self) -> Option<Shared<Built>> {
        match self {
            Self::Held(_) => None,
            Self::Building(_, building) => building.upgrade(),
        }
    }

    fn is_build(&self, wanted: BuildId) -> bool {
        matches!(self, Self::Building(id, _) if *id == wanted)
    }
}

/// Returns a time in milliseconds, as an atomic can hold it.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
