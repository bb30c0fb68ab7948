//! The store: its operations, and the arguments that the scripts take.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use redis::Value;
use secrecy::SecretString;

use super::{
    RedisStoreBuilder, RedisStoreError,
    failure::Failure,
    link::Link,
    reply,
    script::{self, Call, Script, Scripts},
    topology::Topology,
};
use crate::store::{
    Claim, Entry, Fence, Lease, Lookup, Owner, Publication, StoreError, StoreFuture, StoreKey,
    TokenStore,
};

/// Ten years. Redis adds a duration to the current time, and rejects a sum that
/// overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How long the last fence stays after its last use.
///
/// Fences are at least the server's clock, which alone makes them grow once
/// this key is gone. Two days cover a clock that was set back, and a fence that
/// is ahead of the clock.
pub(super) const KEEP_FENCE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// A [`TokenStore`] on Redis or Valkey, which can also keep the book of a
/// shared [`Limit`](crate::store::Limit). The [module](super) documents it.
///
/// At its first connection with TLS, it installs a [crypto
/// provider](super#tls) for the whole process if none is installed.
///
/// ```
/// use tower_genesys::{Sharing, store::redis::RedisStore};
///
/// let store = RedisStore::new("redis://user:s3cr3t@redis.example:6379/0")?;
/// let sharing = Sharing::unsealed(store.clone()); // clones share a connection
/// assert!(!format!("{store:?} {sharing:?}").contains("s3cr3t"));
/// # Ok::<_, tower_genesys::BoxError>(())
/// ```
#[derive(Clone)]
pub struct RedisStore {
    pub(super) inner: Arc<Inner>,
}

/// The shared part of a store and its clones.
pub(super) struct Inner {
    /// The name of the URL in error messages.
    pub(super) setting: Cow<'static, str>,
    prefix: Box<str>,
    pub(super) link: Link,
    pub(super) scripts: Scripts,
}

impl RedisStore {
    /// Returns the store at this [URL](super#urls). It connects at its first
    /// operation.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// assert!(RedisStore::new("redis-sentinel://one,two/primary").is_ok());
    /// let error = RedisStore::new("https://redis.example").unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Url);
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RedisStoreBuilder::build`].
    pub fn new(url: impl Into<SecretString>) -> Result<Self, RedisStoreError> {
        Self::builder(url).build()
    }

    /// Returns the store at the URL in the environment variable `REDIS_URL`.
    ///
    /// Other [variables](super#environment), such as `REDIS_TLS_CA`, contain
    /// its other settings.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// match RedisStore::from_env() {
    ///     Ok(store) => println!("sharing the token through {store:?}"),
    ///     Err(error) if error.kind() == RedisStoreErrorKind::Variable => {
    ///         println!("each process gets its own token: {error}");
    ///     }
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok::<_, tower_genesys::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`builder_from_env`](Self::builder_from_env) and
    /// [`RedisStoreBuilder::build`].
    pub fn from_env() -> Result<Self, RedisStoreError> {
        Self::builder_from_env("REDIS_URL")?.build()
    }

    /// Configures a store at this URL. The [module](super#urls) lists the forms
    /// of URLs.
    ///
    /// ```
    /// use tower_genesys::store::redis::RedisStore;
    ///
    /// let builder = RedisStore::builder("redis://localhost").prefix("team-a");
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn builder(url: impl Into<SecretString>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url.into())
    }

    /// Configures a store at the URL in the environment variable of this name.
    ///
    /// The other settings are in variables whose names begin with this name,
    /// without `_URL` at its end: with `CACHE_URL`, the CAs are in
    /// `CACHE_TLS_CA`. The [module](super#environment) lists all variables.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let error = RedisStore::builder_from_env("NO_SUCH_URL").unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Variable);
    /// assert!(error.to_string().contains("NO_SUCH_URL is not set"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`RedisStoreErrorKind::Variable`](super::RedisStoreErrorKind::Variable)
    /// if the variable of the URL is not set, if any of the variables is empty
    /// or not valid text, or if the user for the Sentinels is set without a
    /// password.
    pub fn builder_from_env(
        name: impl Into<Cow<'static, str>>,
    ) -> Result<RedisStoreBuilder, RedisStoreError> {
        RedisStoreBuilder::from_env(name.into())
    }

    pub(super) fn new_on(topology: Topology, prefix: &str, setting: Cow<'static, str>) -> Self {
        let inner = Inner {
            setting,
            prefix: prefix.into(),
            link: Link::new(topology),
            scripts: Scripts::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl Inner {
    /// Returns the call of a script on the keys of a token.
    pub(super) fn call<'a>(&self, script: &'a Script, key: &StoreKey) -> Call<'a> {
        script.call(self.names(key))
    }

    pub(super) fn names(&self, key: &StoreKey) -> [String; 4] {
        script::names(&self.prefix, key)
    }

    pub(super) fn names_of_book(&self, key: &StoreKey) -> [String; 4] {
        script::names_of_book(&self.prefix, key)
    }

    pub(super) async fn run(&self, call: Call<'_>) -> Result<Value, Failure> {
        self.link.run(&call).await
    }

    /// Runs `get_or_lease.lua`. `keep` is how long the last fence stays after
    /// its last use.
    pub(super) async fn get_or_lease(
        &self,
        key: &StoreKey,
        claim: &Claim,
        keep: Duration,
    ) -> Result<Lookup, Failure> {
        let rejected = claim.rejected.map(|print| hex(print.as_bytes()));
        let call = self
            .call(&self.scripts.get_or_lease, key)
            .arg(owner(&claim.owner))
            .arg(digits(claim.at_least))
            .arg(rounded_up(claim.min_remaining))
            .arg(rejected.unwrap_or_default())
            // Redis refuses an expiry of zero.
            .arg(rounded_up(claim.lease.max(Duration::from_millis(1))))
            .arg(rounded_up(keep));
        reply::lookup(self.run(call).await?, claim)
    }

    /// Runs `publish.lua`. The header is the token's first line in its key.
    pub(super) async fn publish(
        &self,
        key: &StoreKey,
        lease: &Lease,
        entry: &Entry,
        keep: Duration,
    ) -> Result<Publication, Failure> {
        let header = format!(
            "{} {} {}",
            entry.fence.get(),
            hex(entry.fingerprint.as_bytes()),
            rounded_up(entry.lifetime)
        );
        let call = self
            .call_under(&self.scripts.publish, key, lease)
            .arg(digits(entry.fence))
            .arg(header)
            .arg(&*entry.value)
            .arg(rounded_down(entry.remaining))
            .arg(rounded_up(keep));
        reply::publication(self.run(call).await?)
    }

    /// Runs `abandon.lua`. Zero stands for no cooldown.
    pub(super) async fn abandon(
        &self,
        key: &StoreKey,
        lease: &Lease,
        cooldown: Option<Duration>,
    ) -> Result<(), Failure> {
        let call = self
            .call_under(&self.scripts.abandon, key, lease)
            .arg(rounded_up(cooldown.unwrap_or_default()));
        reply::abandoned(self.run(call).await?)
    }

    /// Returns the call of a script that ends this lease.
    fn call_under<'a>(&self, script: &'a Script, key: &StoreKey, lease: &Lease) -> Call<'a> {
        self.call(script, key)
            .arg(owner(&lease.owner))
            .arg(digits(lease.fence))
    }
}

impl TokenStore for RedisStore {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        Box::pin(async move {
            let lookup = self.inner.get_or_lease(key, claim, KEEP_FENCE).await;
            lookup.map_err(StoreError::from)
        })
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        Box::pin(async move {
            let publication = self.inner.publish(key, lease, entry, KEEP_FENCE).await;
            publication.map_err(StoreError::from)
        })
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let abandoned = self.inner.abandon(key, lease, cooldown).await;
            abandoned.map_err(StoreError::from)
        })
    }
}

/// Omits the URL, which contains the password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("setting", &self.inner.setting)
            .field("prefix", &self.inner.prefix)
            .finish_non_exhaustive()
    }
}

/// Returns the owner as the scripts name it.
fn owner(owner: &Owner) -> String {
    hex(owner.as_bytes())
}

fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}

fn digits(fence: Fence) -> String {
    fence.get().to_string()
}

/// Returns milliseconds, rounded down: a token must not seem to live longer
/// than it does.
fn rounded_down(duration: Duration) -> String {
    duration.min(LONGEST).as_millis().to_string()
}

/// Returns milliseconds, rounded up: no lease, cooldown or fence ends early.
fn rounded_up(duration: Duration) -> String {
    let nanoseconds = duration.min(LONGEST).as_nanos();
    nanoseconds.div_ceil(1_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_the_safe_side_and_fit_redis() {
        let odd = Duration::from_nanos(1_500_000);
        assert_eq!(
            (rounded_down(odd), rounded_up(odd)),
            ("1".into(), "2".into())
        );
        let longest = LONGEST.as_millis().to_string();
        assert_eq!(rounded_up(Duration::MAX), longest);
        assert_eq!(rounded_down(Duration::MAX), longest);
        assert_eq!(rounded_up(Duration::ZERO), "0");
    }

    #[test]
    fn neither_a_runtime_nor_a_server_is_needed_to_build_one() {
        let store = RedisStore::new("redis://user:s3cr3t@127.0.0.1:1/7").unwrap();
        let shown = format!("{store:?} {:?}", RedisStore::builder("redis://:s3cr3t@h"));
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
