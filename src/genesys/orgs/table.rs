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

/// One organisation under way, which all who wait for it poll.
pub(super) type Built = Pin<Box<dyn Future<Output = Result<Org, OrgsError>> + Send>>;

/// Which build it is: a key may be built again after a failure.
pub(super) type BuildId = u64;

/// What is under which key, without clock or lock.
///
/// `now` is the time since the registry was made. Whatever is taken out is returned, so that
/// nothing is dropped under the lock around this.
pub(super) struct Table<K> {
    entries: HashMap<K, Entry>,
    capacity: usize,
    held: usize,
    pub(super) closed: bool,
}

pub(super) enum Entry {
    Building(BuildId, WeakShared<Built>),
    Held(Held),
}

pub(super) struct Held {
    pub(super) org: Org,
    /// When it was last asked for, in milliseconds.
    used: AtomicU64,
}

impl Held {
    pub(super) fn touch(&self, now: Duration) {
        // Only ever later: a reader that was delayed makes nothing older.
        self.used.fetch_max(millis(now), Ordering::Relaxed);
    }

    /// Nobody else can get it while the table is locked for writing.
    fn is_idle(&self) -> bool {
        !self.org.is_in_use()
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

impl<K> Table<K> {
    /// How many organisations are there to be used.
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

    /// Notes that this key is being built. If the table is full, the idle organisation that was
    /// asked for longest ago makes room.
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

    /// Keeps what was built, unless the build was forgotten meanwhile.
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

    /// Forgets a build that came to nothing.
    pub(super) fn give_up(&mut self, key: &K, id: BuildId) -> Option<(K, Entry)> {
        match self.entries.get(key)?.is_build(id) {
            true => self.take(key),
            false => None,
        }
    }

    /// Takes out what is under this key.
    pub(super) fn take<Q>(&mut self, key: &Q) -> Option<(K, Entry)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let removed = self.entries.remove_entry(key)?;
        self.held -= usize::from(matches!(removed.1, Entry::Held(_)));
        Some(removed)
    }

    /// Takes out what has been idle for this long.
    pub(super) fn take_idle(&mut self, idle: Duration, now: Duration) -> Vec<(K, Entry)>
    where
        K: Clone,
    {
        let limit = millis(now.saturating_sub(idle));
        if now < idle {
            return Vec::new();
        }
        let over = self.idle().filter(|(used, _)| *used <= limit);
        let over: Vec<_> = over.map(|(_, key)| key.clone()).collect();
        over.iter().filter_map(|key| self.take(key)).collect()
    }

    /// Takes out everything, for good.
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

    /// What nobody has, and when it was last asked for. A build is never idle: one that nobody
    /// waits for takes itself out.
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

    /// The build under way, for another one who waits for it.
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

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
