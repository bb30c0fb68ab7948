//! Builds an [`Org`]: from the environment, or step by step.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;

use super::Org;
use crate::{
    bearer::{Account, Origins},
    genesys::{
        ConfigError, ConfigErrorKind, Credentials, CredentialsProvider, Region, env,
        grants::{ClientCredentials, Dialect, TokenClient},
        limit,
    },
    limiter::Limiter,
    retry::Upstream,
    store::{Limit, SharedSource, Sharing, book::SlotBook},
    token::{CacheSettings, TokenCache, TokenObserver, TokenSource},
};

/// Builds an [`Org`].
///
/// # Default
///
/// The token goes to the region's API host, by https. [`CacheSettings`] states
/// when it is renewed.
///
/// ```
/// use tower_genesys::{Credentials, Org, testing::MockGenesys};
/// use tower_genesys::token::CacheSettings;
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
/// let org = Org::builder(mock.region())
///     .credentials(Credentials::new("my-client-id", "my-client-secret")?)
///     .cache_settings(CacheSettings::new())
///     .build(mock.http_client())?;
/// assert_eq!(org.region(), &mock.region());
/// assert!(org.origins().allows(&org.api("/api/v2/users")?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an organisation is made by one of the `build` methods"]
pub struct OrgBuilder<P> {
    region: Region,
    credentials: P,
    settings: CacheSettings,
    observer: Option<Arc<dyn TokenObserver>>,
    upstream: Option<Upstream>,
    origins: Origins,
    loopback: bool,
    sharing: Option<Sharing>,
    dialect: Dialect,
    limit: Option<Limit>,
    /// The book of a shared limit. Set only beside credentials, whose client's
    /// id is part of the key there.
    book: Option<Arc<dyn SlotBook>>,
}

/// Marks an [`OrgBuilder`] without credentials.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

/// The ways to begin.
impl Org {
    /// Builds the organisation that the environment names. This HTTP client
    /// fetches its tokens.
    ///
    /// | variable | means |
    /// |---|---|
    /// | `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` | the OAuth client; if one is not set, `GENESYSCLOUD_OAUTHCLIENT_ID` or `GENESYSCLOUD_OAUTHCLIENT_SECRET`, the names that Genesys' Terraform provider uses |
    /// | `GENESYS_REGION`, `GENESYS_ENVIRONMENT` or `GENESYSCLOUD_REGION` | the region, in any form that [`Region::parse`] takes; if more than one is set, they must agree |
    /// | `GENESYS_LOGIN_URL` and `GENESYS_API_URL` | base URLs in place of a region, as for [`Region::custom`]: a gateway or a test server; both or neither, with https |
    /// | `GENESYS_ALLOW_LOOPBACK` | `1` allows http to this machine, like [`OrgBuilder::allow_loopback`]; [`ClientBuilder`](crate::client::ClientBuilder) reads it, too |
    ///
    /// This function reads the variables once. To read the credentials at every
    /// fetch of a token, use
    /// [`EnvCredentials`](crate::genesys::EnvCredentials). For other settings,
    /// use [`builder_from_env`](Self::builder_from_env), which has an example.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the missing or unusable variable.
    pub fn from_env<B>(client: impl TokenClient<B>) -> Result<Self, ConfigError>
    where
        B: From<Full<Bytes>> + Send + 'static,
    {
        Self::builder_from_env()?.build(client)
    }

    /// Returns a builder with the region and credentials of the environment.
    /// Use it to share the token, add an observer, or change other settings.
    ///
    /// ```no_run
    /// use tower_genesys::{
    ///     Client, Org, ReplayBody, Sharing, store::MemoryStore,
    /// };
    ///
    /// type Body = http_body_util::Full<bytes::Bytes>;
    ///
    /// # fn main() -> Result<(), tower_genesys::BoxError> {
    /// let client: Client<ReplayBody<Body>> = Client::new()?;
    /// let store = MemoryStore::new(); // a `RedisStore`, or a `FileStore`
    /// let sharing = Sharing::unsealed(store);
    /// let org = Org::builder_from_env()?.share(sharing).build(client)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`from_env`](Self::from_env).
    pub fn builder_from_env() -> Result<OrgBuilder<Credentials>, ConfigError> {
        let found = env::read(|name| std::env::var_os(name))?;
        let mut builder = Self::builder(found.region).credentials(found.credentials);
        builder.loopback = found.loopback;
        Ok(builder)
    }

    /// Starts to build an organisation in this region.
    pub fn builder(region: Region) -> OrgBuilder<NoCredentials> {
        OrgBuilder {
            region,
            credentials: NoCredentials,
            settings: CacheSettings::new(),
            observer: None,
            upstream: None,
            origins: Origins::none(),
            loopback: false,
            sharing: None,
            dialect: Dialect::new(),
            limit: None,
            book: None,
        }
    }
}

impl<P> OrgBuilder<P> {
    /// Sets the id and secret of the OAuth client, or the provider that returns
    /// them at each fetch.
    pub fn credentials<Q: CredentialsProvider>(self, credentials: Q) -> OrgBuilder<Q> {
        OrgBuilder {
            credentials,
            region: self.region,
            settings: self.settings,
            observer: self.observer,
            upstream: self.upstream,
            origins: self.origins,
            loopback: self.loopback,
            sharing: self.sharing,
            dialect: self.dialect,
            limit: self.limit,
            book: self.book,
        }
    }

    /// Sets the retry budget and throttle that the requests share. Default: an
    /// [`Upstream::new`] for each organisation that is built.
    ///
    /// If a limit is set, each organisation has a throttle of its own, with the
    /// settings of the throttle in this upstream.
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Keeps the requests of this organisation in this process within this
    /// limit, whether or not other processes use the same OAuth client.
    /// Default: no limit; the throttle learns of Genesys' limit through 429s.
    ///
    /// For several processes, use [`shared_limit`](OrgBuilder::shared_limit),
    /// or give each process its part of the limit. The two methods replace each
    /// other's limit.
    ///
    /// Each organisation keeps the limit by itself, even if several are built
    /// from clones of one builder. A clone of an [`Org`] shares its limit.
    ///
    /// [`GenesysLayer`](crate::GenesysLayer) applies the limit, as does a
    /// [`RetryLayer`](crate::RetryLayer) with the organisation's
    /// [upstream](Org::upstream).
    ///
    /// ```
    /// use tower_genesys::{Credentials, GenesysLayer, Org, store::Limit};
    /// # use bytes::Bytes;
    /// # use http::Request;
    /// # use http_body_util::Full;
    /// # use std::time::Duration;
    /// # use tower::{Layer, ServiceExt};
    /// # use tower_genesys::testing::MockGenesys;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::new();
    /// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
    /// let org = Org::builder(mock.region())
    ///     .credentials(keys)
    ///     .process_limit(Limit::per_minute(60).with_burst(0.0)) // one a second
    ///     .build(mock.http_client())?;
    /// let genesys = GenesysLayer::new(&org).layer(mock.service());
    ///
    /// let begun = tokio::time::Instant::now();
    /// for _ in 0..3 {
    ///     let request = Request::get(org.api("/api/v2/users")?);
    ///     let request = request.body(Full::<Bytes>::default())?;
    ///     assert_eq!(genesys.clone().oneshot(request).await?.status(), 200);
    /// }
    /// assert!(begun.elapsed() >= Duration::from_secs(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn process_limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self.book = None;
        self
    }

    /// Sets the origins that the token may be sent to besides the region's API
    /// host. Default: none.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Allows base URLs on this machine, also with http. Use it in tests, for
    /// example with [`MockServer`](crate::testing::MockServer). If you reach
    /// the server with [`Client`](crate::client::Client), set the same option
    /// on its builder, too. Default: not allowed.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Builds the organisation around its cache.
    ///
    /// Both base URLs must be https unless the caller allows http on this
    /// machine: the layers send secrets to one and tokens to the other.
    fn build_over(self, tokens: TokenCache, limiter: Option<Limiter>) -> Result<Org, ConfigError> {
        let Self {
            region,
            upstream,
            origins,
            loopback,
            ..
        } = self;
        // `Origins` judges the base URLs as it later judges each request.
        let host = |uri: &Uri| {
            let host = uri.authority().map_or("", |host| host.as_str());
            Origins::of_checked_host(host)
        };
        let local = |origins: Origins| {
            if loopback {
                origins.with_loopback()
            } else {
                origins
            }
        };
        for base in [region.login_base(), region.api_base()] {
            if !local(host(&base)).allows(&base) {
                return Err(insecure(&base));
            }
        }
        let origins = local(origins.and_hosts_of(&region.api_origins()));
        let account = Account::new(tokens, origins);
        let upstream = upstream.unwrap_or_default();
        let upstream = match limiter {
            Some(limiter) => upstream.with_limiter(limiter),
            None => upstream,
        };
        Ok(Org::new(region, account, upstream))
    }
}

/// Builds an organisation whose tokens do not come from credentials.
impl OrgBuilder<NoCredentials> {
    /// Builds an organisation whose tokens come from this source, with the
    /// default [`CacheSettings`].
    ///
    /// For other settings or an observer, put a
    /// [`TokenCache::builder`](crate::TokenCache::builder) around the source
    /// and call [`build_from_cache`](Self::build_from_cache).
    ///
    /// Settings that need credentials do not compile here:
    ///
    /// ```compile_fail,E0599
    /// # use tower_genesys::{
    /// #     Org, Region, Sharing, store::MemoryStore, token::source_fn,
    /// # };
    /// # let source = source_fn(|_| std::future::pending());
    /// let sharing = Sharing::unsealed(MemoryStore::new());
    /// let org = Org::builder(Region::EU_WEST_1)
    ///     .share(sharing)
    ///     .build_from_source(source);
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Region`] if a base URL is not https, unless it is on
    /// this machine and [`allow_loopback`](Self::allow_loopback) is set;
    /// [`ConfigErrorKind::Limit`] if the [limit](Self::process_limit) is out of range;
    /// [`ConfigErrorKind::Randomness`] if a limit is set and the system has no
    /// randomness.
    pub fn build_from_source(self, source: impl TokenSource) -> Result<Org, ConfigError> {
        self.build_from_cache(TokenCache::new(source))
    }

    /// Builds an organisation whose tokens come from this cache, with the
    /// cache's source, settings and observer.
    ///
    /// ```
    /// use tower_genesys::{Org, TokenCache, testing::MockGenesys};
    ///
    /// # fn main() -> Result<(), tower_genesys::genesys::ConfigError> {
    /// # let mock = MockGenesys::new();
    /// # use tower_genesys::token::source_fn;
    /// # let source = source_fn(|_| std::future::pending());
    /// let tokens = TokenCache::builder(source).build();
    /// let org = Org::builder(mock.region()).build_from_cache(tokens)?;
    /// assert!(!org.tokens().status().is_ready(), "no token is fetched yet");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`build_from_source`](Self::build_from_source).
    pub fn build_from_cache(self, tokens: TokenCache) -> Result<Org, ConfigError> {
        let limiter = self.limit.as_ref().map(limit::of_process).transpose()?;
        self.build_over(tokens, limiter)
    }
}

impl<P: CredentialsProvider> OrgBuilder<P> {
    /// Sets when and how the token is renewed. Default: [`CacheSettings::new`].
    pub fn cache_settings(mut self, settings: CacheSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets an observer of renewals. Default: `tracing` only.
    pub fn observer(mut self, observer: impl TokenObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Shares the token, through a [store](crate::store), with other processes
    /// that use the same OAuth client. Default: each process fetches its own
    /// token.
    ///
    /// To share the tokens of another source, use [`SharedSource::new`] with a
    /// key for it.
    pub fn share(mut self, sharing: Sharing) -> Self {
        self.sharing = Some(sharing);
        self
    }

    /// Keeps the requests of all processes that use the same OAuth client
    /// within this limit together, through a [book](crate::store::book) in a
    /// store. Default: no limit; the throttle of each process learns of
    /// Genesys' limit through 429s.
    ///
    /// The limit belongs to the OAuth client and the login host of its region,
    /// which issues the tokens. So a renewed token brings no second allowance,
    /// and the processes need not [share](Self::share) the token. If they do,
    /// give both methods a clone of one store.
    ///
    /// ```
    /// use tower_genesys::{
    ///     Credentials, Org, Sharing, store::{Limit, MemoryStore},
    /// };
    /// # use tower_genesys::testing::MockGenesys;
    ///
    /// # fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::new();
    /// let store = MemoryStore::new(); // a `RedisStore`, for a fleet
    /// let org = Org::builder(mock.region())
    ///     .credentials(Credentials::new("my-client-id", "my-client-secret")?)
    ///     .share(Sharing::unsealed(store.clone()))
    ///     .shared_limit(Limit::per_minute(300), store)
    ///     .build(mock.http_client())?;
    /// # let _ = org;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A store that keeps no book does not compile here. Give each process its
    /// part of the limit then, with [`process_limit`](Self::process_limit), or
    /// keep the book in another store.
    ///
    /// ```compile_fail,E0277
    /// # use tower_genesys::{
    /// #     Credentials, Org, Region, store::{Limit, file::FileStore},
    /// # };
    /// # fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let keys = Credentials::new("my-client-id", "my-client-secret")?;
    /// let store = FileStore::new("tokens")?;
    /// let builder = Org::builder(Region::EU_WEST_1)
    ///     .credentials(keys)
    ///     .shared_limit(Limit::per_minute(300), store);
    /// # let _ = builder;
    /// # Ok(())
    /// # }
    /// ```
    pub fn shared_limit(mut self, limit: Limit, book: impl SlotBook) -> Self {
        self.limit = Some(limit);
        self.book = Some(Arc::new(book));
        self
    }

    /// Sets the form of requests to the token endpoint. Default: the form that
    /// Genesys Cloud expects.
    ///
    /// The sources of the other grants have a method `with_dialect`.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    fn build_fetching(self, source: impl TokenSource) -> Result<Org, ConfigError>
    where
        P: Clone,
    {
        let cache = TokenCache::builder(source)
            .settings(self.settings)
            .shared_observer(self.observer.clone())
            .build();
        let limiter = { self.limit.as_ref() }
            .map(|limit| match &self.book {
                None => limit::of_process(limit),
                Some(book) => {
                    limit::of_client(limit, book.clone(), &self.region, &self.credentials)
                }
            })
            .transpose()?;
        self.build_over(cache, limiter)
    }
}

// The bound is that of the method: on an impl block, the compiler would not
// show the hint of `CredentialsProvider`.
impl<P> OrgBuilder<P> {
    /// Builds an organisation that fetches its tokens with the credentials and
    /// this HTTP client.
    ///
    /// The client is any tower service; `B` is the type of its request bodies.
    /// A client that takes the bodies of [`Replay`](crate::replay) can serve
    /// both the token endpoint and the API.
    ///
    /// A builder without credentials does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use tower_genesys::{Org, Region, testing::MockGenesys};
    /// # let client = MockGenesys::new().http_client();
    /// let org = Org::builder(Region::EU_WEST_1).build(client);
    /// ```
    ///
    /// # Errors
    ///
    /// | kind | cause |
    /// |---|---|
    /// | [`ConfigErrorKind::Region`] | as for [`build_from_source`](OrgBuilder::build_from_source) |
    /// | [`ConfigErrorKind::Randomness`] | the system has no randomness for the [sharing](Self::share) or the limit |
    /// | [`ConfigErrorKind::Limit`] | the [limit](Self::process_limit) is out of range |
    pub fn build<B>(self, client: impl TokenClient<B>) -> Result<Org, ConfigError>
    where
        P: CredentialsProvider + Clone,
        B: From<Full<Bytes>> + Send + 'static,
    {
        let region = self.region.clone();
        let source = ClientCredentials::new(region, self.credentials.clone(), client)
            .with_dialect(self.dialect.clone());
        match &self.sharing {
            None => self.build_fetching(source),
            Some(sharing) => {
                let shared = SharedSource::identified(source, sharing.clone())?;
                self.build_fetching(shared)
            }
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for OrgBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgBuilder")
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("settings", &self.settings)
            .field("origins", &self.origins)
            .field("sharing", &self.sharing)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Returns the error for a base URL that would carry secrets or tokens
/// unencrypted.
fn insecure(base: &Uri) -> ConfigError {
    let host = base.host().unwrap_or_default();
    let message = format!(
        "the base URL on {host} is not https: secrets and tokens would be sent unencrypted; use https, or \
         for a test server on this machine set `OrgBuilder::allow_loopback`, and with `Client` also \
         `ClientBuilder::allow_loopback` (GENESYS_ALLOW_LOOPBACK=1 sets both)"
    );
    ConfigError::new(ConfigErrorKind::Region, message)
}
