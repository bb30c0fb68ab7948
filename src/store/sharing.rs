//! The settings for sharing tokens.

use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "seal")]
use super::KeyRing;
use super::{
    StoreEvent, StoreKey, StoreObserver, TokenStore, envelope::Envelope, operation::SHORTEST,
};

/// Settings for sharing tokens with other processes: the store, and the form of
/// the tokens in it, sealed or in plain text.
///
/// The [module](crate::store) defines the terms.
///
/// # Default
///
/// The store sets the time limit of an operation: 150 milliseconds, 1 second
/// for a `DynamoDbStore`, or 2 seconds for a `FileStore`. A lease lasts 10
/// seconds, and a token request may take 9. Events go to `tracing` only.
///
/// ```
/// use tower_genesys::{Sharing, store::MemoryStore};
///
/// let sharing = Sharing::unsealed(MemoryStore::new());
/// let shown = format!("{:?}", sharing.with_namespace("staging"));
/// assert!(shown.contains("operation_timeout: 150ms, lease: 10s"));
/// ```
#[derive(Clone)]
pub struct Sharing {
    pub(super) store: Arc<dyn TokenStore>,
    pub(super) envelope: Envelope,
    pub(super) operation_timeout: Duration,
    pub(super) lease: Duration,
    /// As the user set it. [`attempt_timeout`](Self::attempt_timeout) caps it.
    attempt_timeout: Option<Duration>,
    namespace: Option<Box<str>>,
    observer: Option<Arc<dyn StoreObserver>>,
}

/// Below the deadline of a renewal (15 s), so that another process takes over
/// in time if the leader is killed.
const LEASE: Duration = Duration::from_secs(10);
/// The part of the lease that remains after a request, for publishing. At most
/// a fifth of the lease.
const AFTER_REQUEST: Duration = Duration::from_secs(1);

impl Sharing {
    /// Shares tokens through this store, encrypted with these keys: a reader of
    /// the store finds no usable token.
    ///
    /// ```
    /// use tower_genesys::{Sharing, store::{KeyRing, MemoryStore}};
    ///
    /// // `KeyRing::from_env`, in a program
    /// let keys = "2025-07:3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";
    /// let keys = KeyRing::parse(keys)?;
    /// let sharing = Sharing::sealed(MemoryStore::new(), keys);
    /// let shown = format!("{sharing:?}");
    /// assert!(shown.contains(r#"Sealed(KeyRing(["2025-07"]))"#));
    /// # Ok::<(), tower_genesys::genesys::ConfigError>(())
    /// ```
    #[cfg(feature = "seal")]
    #[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
    pub fn sealed(store: impl TokenStore, keys: KeyRing) -> Self {
        Self::over(Arc::new(store), Envelope::Sealed(keys))
    }

    /// Shares tokens through this store in plain text: anyone who can read the
    /// store can use them.
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
        }
    }

    /// Separates tokens that would have the same key, such as staging and
    /// production on one server. Default: no namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<Box<str>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets the time limit of one store operation. If an operation takes
    /// longer, the process continues without the store, and does not know
    /// whether the store has executed the operation.
    ///
    /// Default: the store's own limit ([`TokenStore::operation_timeout`]),
    /// which is 150 milliseconds, 1 second for a `DynamoDbStore`, or 2 seconds
    /// for a `FileStore`. The minimum is 10 milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::{Sharing, store::MemoryStore};
    ///
    /// let sharing = Sharing::unsealed(MemoryStore::new())
    ///     .with_operation_timeout(Duration::from_millis(400));
    /// assert!(format!("{sharing:?}").contains("operation_timeout: 400ms"));
    /// ```
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout.max(SHORTEST);
        self
    }

    /// Sets the duration of a lease: how long the other processes wait for the
    /// leader if it never finishes. Default: 10 seconds. The minimum is 10
    /// milliseconds.
    ///
    /// A token request must end one second before the lease does (or a fifth of
    /// the lease, if that is shorter). Set the lease below
    /// [`CacheSettings::with_deadline`](crate::token::CacheSettings::with_deadline):
    /// a process that waited for a leader in vain then has time for a token
    /// request of its own. For a slow token endpoint, increase both.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::{Sharing, store::MemoryStore};
    ///
    /// let sharing = Sharing::unsealed(MemoryStore::new())
    ///     .with_lease(Duration::from_secs(20));
    /// let shown = format!("{sharing:?}");
    /// assert!(shown.contains("lease: 20s, attempt_timeout: 19s"));
    /// ```
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(SHORTEST);
        self
    }

    /// Sets the time limit of one token request. Reading the credentials before
    /// it has the same limit.
    ///
    /// Default and maximum: the duration of the lease, less one second or a
    /// fifth of it, whichever is shorter. The process never sends a second
    /// token request in parallel.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::{Sharing, store::MemoryStore};
    ///
    /// let sharing = Sharing::unsealed(MemoryStore::new());
    /// let limited = |seconds| {
    ///     let timeout = Duration::from_secs(seconds);
    ///     format!("{:?}", sharing.clone().with_attempt_timeout(timeout))
    /// };
    /// assert!(limited(3).contains("attempt_timeout: 3s"));
    /// assert!(limited(60).contains("attempt_timeout: 9s")); // the maximum
    /// ```
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Reports events to this observer. Default: none; `tracing` gets the
    /// events in any case.
    #[must_use]
    pub fn with_observer(mut self, observer: impl StoreObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Returns the time limit of one request: it ends before the lease.
    pub(super) fn attempt_timeout(&self) -> Duration {
        let within_lease = self.within_lease();
        self.attempt_timeout
            .unwrap_or(within_lease)
            .min(within_lease)
    }

    /// Returns the setting that limits a request's time, for error messages.
    pub(super) fn limits_attempt_by(&self) -> &'static str {
        match self.attempt_timeout {
            Some(timeout) if timeout < self.within_lease() => "Sharing::with_attempt_timeout",
            _ => "Sharing::with_lease",
        }
    }

    /// Returns the part of the lease in which a request must end.
    fn within_lease(&self) -> Duration {
        self.lease - AFTER_REQUEST.min(self.lease / 5)
    }

    /// Returns the key within the namespace.
    pub(super) fn key(&self, key: StoreKey) -> StoreKey {
        match &self.namespace {
            Some(namespace) => key.with_parameter("namespace", namespace),
            None => key,
        }
    }

    /// Reports an event to `tracing` and to the observer.
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
            .finish_non_exhaustive()
    }
}
