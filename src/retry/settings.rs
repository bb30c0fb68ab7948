//! The settings of a retry layer, in the form in which its calls share them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use fastrand::Rng;
use http::{Extensions, Method, Uri};

use super::{RetryEvent, RetryObserver, RetryPolicy, Upstream};
use crate::throttle::{NamedLimit, Throttle};

/// The predicate of
/// [`RetryLayer::with_repeatable`](super::RetryLayer::with_repeatable).
pub(super) type Repeatable = dyn Fn(&Method, &Uri) -> Option<bool> + Send + Sync;

/// The function of
/// [`RetryLayer::with_limit_reader`](super::RetryLayer::with_limit_reader).
pub(super) type ReadLimit = dyn Fn(&[u8]) -> Option<NamedLimit> + Send + Sync;

/// The function of
/// [`RetryLayer::with_upstream_from`](super::RetryLayer::with_upstream_from).
pub(super) type SelectUpstream = fn(&Extensions) -> Option<&Upstream>;

/// The settings that the calls of one layer share.
#[derive(Clone)]
pub(super) struct Settings<C> {
    pub(super) policy: RetryPolicy,
    pub(super) classify: C,
    /// The upstream of requests for which `select` returns none.
    pub(super) upstream: Upstream,
    pub(super) select: Option<SelectUpstream>,
    pub(super) repeatable: Option<Arc<Repeatable>>,
    pub(super) observer: Option<Arc<dyn RetryObserver>>,
    pub(super) read_limit: Option<Arc<ReadLimit>>,
    /// The number of calls that have needed random numbers, so that each gets
    /// its own sequence from one seed.
    rolls: Arc<AtomicU64>,
}

impl<C> Settings<C> {
    pub(super) fn new(policy: RetryPolicy, classify: C) -> Self {
        Self {
            policy,
            classify,
            upstream: Upstream::new(),
            select: None,
            repeatable: None,
            observer: None,
            read_limit: None,
            rolls: Arc::default(),
        }
    }

    /// Replaces the classifier, whose type may differ.
    pub(super) fn with_classify<D>(self, classify: D) -> Settings<D> {
        Settings {
            policy: self.policy,
            classify,
            upstream: self.upstream,
            select: self.select,
            repeatable: self.repeatable,
            observer: self.observer,
            read_limit: self.read_limit,
            rolls: self.rolls,
        }
    }

    /// Returns the upstream that a request names.
    pub(super) fn selected<'a>(&self, extensions: &'a Extensions) -> Option<&'a Upstream> {
        self.select.and_then(|select| select(extensions))
    }

    /// Whether a request with these extensions may be sent now: no gate is
    /// closed, and a slot of its limit is free. If so, it has taken the slot.
    pub(super) fn may_pass(&self, extensions: &Extensions) -> bool {
        let throttle = self.upstream_of(extensions).throttle();
        throttle.is_none_or(Throttle::try_pass)
    }

    /// The same for a request that skips the gates, because a layer outside has
    /// waited there.
    pub(super) fn has_slot(&self, extensions: &Extensions) -> bool {
        let throttle = self.upstream_of(extensions).throttle();
        throttle.is_none_or(Throttle::try_take)
    }

    fn upstream_of<'a>(&'a self, extensions: &'a Extensions) -> &'a Upstream {
        self.selected(extensions).unwrap_or(&self.upstream)
    }

    /// Returns the random numbers of one call.
    pub(super) fn rng(&self) -> Rng {
        // `Relaxed` suffices: only the number matters.
        let next = || self.rolls.fetch_add(1, Ordering::Relaxed);
        self.policy.backoff.rng(next)
    }

    /// Reports an event to `tracing` and to the observer.
    pub(super) fn tell(&self, event: &RetryEvent<'_>) {
        tracing::debug!(?event, "retry");
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }
}
