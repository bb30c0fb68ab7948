use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use fastrand::Rng;
use http::{Extensions, Method, Uri};

use super::{RetryEvent, RetryObserver, RetryPolicy, Upstream};
use crate::throttle::{NamedLimit, Throttle};

pub(super) type Repeatable = dyn Fn(&Method, &Uri) -> Option<bool> + Send + Sync;

pub(super) type ReadLimit = dyn Fn(&[u8]) -> Option<NamedLimit> + Send + Sync;

pub(super) type SelectUpstream = fn(&Extensions) -> Option<&Upstream>;

/// What the calls of one layer share.
#[derive(Clone)]
pub(super) struct Settings<C> {
    pub(super) policy: RetryPolicy,
    pub(super) classify: C,
    pub(super) upstream: Upstream,
    pub(super) select: Option<SelectUpstream>,
    pub(super) repeatable: Option<Arc<Repeatable>>,
    pub(super) observer: Option<Arc<dyn RetryObserver>>,
    pub(super) read_limit: Option<Arc<ReadLimit>>,
    /// How many calls have rolled dice, so that a seed gives each call its own.
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

    /// The upstream that a request names.
    pub(super) fn selected<'a>(&self, extensions: &'a Extensions) -> Option<&'a Upstream> {
        self.select.and_then(|select| select(extensions))
    }

    /// Whether a request with these extensions may go at once. If so, it has
    /// its slot.
    pub(super) fn may_pass(&self, extensions: &Extensions) -> bool {
        let throttle = self.upstream_of(extensions).throttle();
        throttle.is_none_or(Throttle::try_pass)
    }

    /// The same for one that waits at no gate.
    pub(super) fn has_slot(&self, extensions: &Extensions) -> bool {
        let throttle = self.upstream_of(extensions).throttle();
        throttle.is_none_or(Throttle::try_take)
    }

    fn upstream_of<'a>(&'a self, extensions: &'a Extensions) -> &'a Upstream {
        self.selected(extensions).unwrap_or(&self.upstream)
    }

    pub(super) fn rng(&self) -> Rng {
        let next = || self.rolls.fetch_add(1, Ordering::Relaxed);
        self.policy.backoff.rng(next)
    }

    pub(super) fn tell(&self, event: &RetryEvent<'_>) {
        tracing::debug!(?event, "retry");
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }
}
