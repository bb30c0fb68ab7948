//! The bounds of a registry, and the closure that builds its organisations.

use std::{fmt, hash::Hash, time::Duration};

use super::registry::{Build, Orgs};
use crate::{
    BoxError,
    genesys::{ConfigError, ConfigErrorKind, Org},
};

/// About 30 MB, if each organisation has a token.
const CAPACITY: usize = 10_000;
/// Tokens live for a day, and a tenant that returns after an hour costs one
/// token request.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// Sets the bounds of an [`Orgs`].
///
/// # Default
///
/// 10,000 organisations; each may be closed an hour after its last request.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{BoxError, Org, genesys::orgs::Orgs};
///
/// async fn build(tenant: u32) -> Result<Org, BoxError> {
///     Err(format!("no tenant {tenant}").into()) // yours
/// }
///
/// let orgs = Orgs::builder(build)
///     .capacity(500)
///     .idle(Duration::from_secs(600))
///     .build()?;
/// assert!(orgs.is_empty());
/// # Ok::<(), tower_genesys::genesys::ConfigError>(())
/// ```
#[must_use = "call `build` to get the registry"]
pub struct OrgsBuilder<K> {
    build: Box<Build<K>>,
    capacity: usize,
    idle: Duration,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Orgs<K> {
    /// Returns a registry with the default bounds that builds organisations
    /// with this closure.
    pub fn new<F, Fut, E>(build: F) -> Self
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Org, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let OrgsBuilder {
            build,
            capacity,
            idle,
        } = OrgsBuilder::new(build);
        Self::with(build, capacity, idle)
    }

    /// Returns a builder that sets the bounds; [`OrgsBuilder`] has an example.
    ///
    /// The closure takes the key and returns the organisation of that key.
    /// Share one HTTP client between all organisations: connections would be
    /// the largest cost of each.
    pub fn builder<F, Fut, E>(build: F) -> OrgsBuilder<K>
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Org, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        OrgsBuilder::new(build)
    }
}

impl<K> OrgsBuilder<K> {
    fn new<F, Fut, E>(build: F) -> Self
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Org, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self {
            build: Box::new(move |key| {
                let building = build(key);
                Box::pin(async move { building.await.map_err(Into::into) })
            }),
            capacity: CAPACITY,
            idle: IDLE,
        }
    }

    /// Sets how many organisations the registry holds at most, those that are
    /// being built included. Default: 10,000.
    pub const fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets how long after the last [`get`](Orgs::get) or
    /// [`try_get`](Orgs::try_get) of its key an organisation is closed, if it
    /// is not in use then. Default: an hour.
    ///
    /// Do not set it below the time between two requests of a tenant: each
    /// rebuild costs a token, and Genesys throttles clients that mint too many.
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> OrgsBuilder<K> {
    /// Builds the registry. Builds no organisation yet.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Registry`] if the capacity or the idle time is zero.
    pub fn build(self) -> Result<Orgs<K>, ConfigError> {
        let message = if self.capacity == 0 {
            "a registry with a capacity of zero cannot hold an organisation; set \
             `OrgsBuilder::capacity` to the number of tenants that are active at the same time"
        } else if self.idle.is_zero() {
            "an idle time of zero would build an organisation, and so get a token, for each request; \
             set `OrgsBuilder::idle` to minutes or more"
        } else {
            return Ok(Orgs::with(self.build, self.capacity, self.idle));
        };
        Err(ConfigError::new(ConfigErrorKind::Registry, message))
    }
}

impl<K> fmt::Debug for OrgsBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgsBuilder")
            .field("capacity", &self.capacity)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
