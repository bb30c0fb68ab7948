use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use fastrand::Rng;
use http::{Extensions, Method, Uri};

use super::{RetryEvent, RetryObserver, RetryPolicy, Upstream};

pub(super) type Repeatable = dyn Fn(&Method, &Uri) -> Option<bool> + Send + Sync;

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
            rolls: self.rolls,
        }
    }

    /// The upstream that a request names.
    pub(super) fn selected<'a>(&self, extensions: &'a Extensions) -> Option<&'a Upstream> {
        self.select.and_then(|select| select(extensions))
    }

    /// Whether a request with these extensions may have to wait before its first send.
    pub(super) fn is_throttled(&self, extensions: &Extensions) -> bool {
        let upstream = self.selected(extensions).unwrap_or(&self.upstream);
        upstream
            .throttle()
            .is_some_and(|throttle| !throttle.is_open())
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
