use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "seal")]
use super::KeyRing;
use super::{Limit, StoreEvent, StoreKey, StoreObserver, TokenStore, envelope::Envelope};

/// How tokens are shared with other processes: over which store, and in which form.
///
/// # Default
///
/// Each operation has the time that the store sets, 150 milliseconds, or 2 seconds for a
/// `FileStore`; a lease lasts 10 seconds, one request for a token 9. Nobody but `tracing` is told
/// of anything.
///
/// ```
/// use tower_genesys::{Sharing, store::MemoryStore};
///
/// let sharing = Sharing::unsealed(MemoryStore::new()).with_namespace("staging");
/// # let _ = sharing;
/// ```
#[derive(Clone)]
pub struct Sharing {
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) envelope: Envelope,
    pub(super) operation_timeout: Duration,
    pub(super) lease: Duration,
    attempt_timeout: Option<Duration>,
    namespace: Option<Box<str>>,
    observer: Option<Arc<dyn StoreObserver>>,
    limit: Option<Limit>,
}

/// Below the deadline of a renewal (15 s), so that the others take over in time when a process is
/// killed.
const LEASE: Duration = Duration::from_secs(10);
/// What a request leaves of the lease, to publish in. Of a short lease, a fifth.
const AFTER_REQUEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(10);

impl Sharing {
    /// Over this store, in which tokens are sealed by these keys: who reads the store has no token.
    #[cfg(feature = "seal")]
    #[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
    pub fn sealed(store: impl TokenStore, keys: KeyRing) -> Self {
        Self::over(Arc::new(store), Envelope::Sealed(keys))
    }

    /// Over this store, in which tokens are as they are: who reads the store can use them.
    pub fn unsealed(store: impl TokenStore) -> Self {
        Self::over(Arc::new(store), Envelope::Unsealed)
    }

    fn over(store: Arc<dyn TokenStore>, envelope: Envelope) -> Self {
        Self {
            operation_timeout: store.operation_timeout().max(SHORTEST),
            store,
            envelope,
            lease: LEASE,
            attempt_timeout: None,
            namespace: None,
            observer: None,
            limit: None,
        }
    }

    /// Keeps apart what would have the same key: staging and production on one server, say.
    /// Default: none.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// How long one operation of the store may take before its outcome counts as unknown, and the
    /// process goes on alone. Default: what the store sets ([`TokenStore::operation_timeout`]), 150
    /// milliseconds, or 2 seconds for a `FileStore`; at least 10 milliseconds.
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout.max(SHORTEST);
        self
    }

    /// How long the others wait for a process that gets a token for all, if it does not end.
    /// Default: 10 seconds; at least 10 milliseconds.
    ///
    /// It bounds one request to the token endpoint, which lasts the lease less a second. Keep it
    /// below [`CacheSettings::with_deadline`](crate::token::CacheSettings::with_deadline), with time for a
    /// request: give a slow token endpoint more of both.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(SHORTEST);
        self
    }

    /// How long one request to the token endpoint may take, and how long the credentials may take
    /// to be read before it. Never more than the default: the lease less a second, or less a fifth
    /// if that is shorter. No second request is made beside it.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Who is told what happens. Default: nobody but `tracing`.
    #[must_use]
    pub fn with_observer(mut self, observer: impl StoreObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Keeps the processes together to this limit, in a [book](super::book) in the same store.
    /// Default: none, and each process learns of the limit by its own 429s.
    ///
    /// For [`OrgBuilder::build`](crate::genesys::OrgBuilder::build), which the layers of
    /// [`GenesysLayer`](crate::GenesysLayer) then go by. The limit is kept for the client and its
    /// login host: a renewed token brings no second allowance.
    #[must_use]
    pub fn with_limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn limit(&self) -> Option<&Limit> {
        self.limit.as_ref()
    }

    /// How long one operation may take.
    pub(crate) fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }

    pub(crate) fn store(&self) -> &Arc<dyn TokenStore> {
        &self.store
    }

    pub(super) fn attempt_timeout(&self) -> Duration {
        let within_lease = self.within_lease();
        self.attempt_timeout
            .unwrap_or(within_lease)
            .min(within_lease)
    }

    /// The setting by which a request gets more time.
    pub(super) fn limits_attempt_by(&self) -> &'static str {
        match self.attempt_timeout {
            Some(timeout) if timeout < self.within_lease() => "Sharing::with_attempt_timeout",
            _ => "Sharing::with_lease",
        }
    }

    fn within_lease(&self) -> Duration {
        self.lease - AFTER_REQUEST.min(self.lease / 5)
    }

    /// The key within the namespace.
    pub(crate) fn key(&self, key: StoreKey) -> StoreKey {
        match &self.namespace {
            Some(namespace) => key.with_parameter("namespace", namespace),
            None => key,
        }
    }

    pub(super) fn tell(&self, event: &StoreEvent<'_>) {
        event.trace();
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing")
            .field("envelope", &self.envelope)
            .field("namespace", &self.namespace)
            .field("operation_timeout", &self.operation_timeout)
            .field("lease", &self.lease)
            .field("attempt_timeout", &self.attempt_timeout())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
