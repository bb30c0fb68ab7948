use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Extensions, Uri};
use http_body_util::Full;

use super::{
    CacheKey, ConfigError, ConfigErrorKind, Credentials, CredentialsProvider, Region, RegionError,
    env,
    grants::{ClientCredentials, Dialect, TokenClient},
    limit,
};
use crate::{
    bearer::{Account, Origins, SelectAccount},
    limiter::Limiter,
    retry::Upstream,
    store::{Limit, SharedSource, Sharing},
    token::{CacheSettings, TokenCache, TokenError, TokenObserver, TokenSource},
};

/// One Genesys Cloud organisation in this process: its region, its token, the
/// origins that the token may be sent to, and its throttle and retry budget.
///
/// A clone is cheap and refers to the same organisation.
///
/// [`GenesysLayer::new`](super::layer::GenesysLayer::new) takes the default
/// `Org` of a stack. A request that has another `Org` in its extensions is sent
/// as that one, so one stack serves any number of organisations. With
/// [`GenesysLayer::per_request`](super::layer::GenesysLayer::per_request), each
/// request must name its `Org`.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use tower_genesys::{Credentials, Org, Region, testing::MockGenesys};
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// let client = MockGenesys::new().http_client(); // yours: hyper-util's client, for example
/// let org = Org::builder(Region::EU_WEST_1)
///     .credentials(Credentials::new("my-client-id", "my-client-secret")?)
///     .build(client)?;
///
/// let mut request = Request::get(org.api("/api/v2/users?pageSize=100")?).body(Full::<Bytes>::default())?;
/// request.extensions_mut().insert(org.clone());
/// assert_eq!(request.uri().host(), Some("api.mypurecloud.ie"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Org {
    inner: Arc<Inner>,
}

/// The fields that each request reads come first, so that they share one line
/// of the processor's cache. With thousands of organisations, each further line
/// is a wait for memory.
#[repr(C)]
struct Inner {
    account: Account<TokenCache>,
    upstream: Upstream,
    region: Region,
    key: CacheKey,
}

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
    /// fetch of a token, use [`EnvCredentials`](super::EnvCredentials). For
    /// other settings, use [`builder_from_env`](Self::builder_from_env), which
    /// has an example.
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
    /// use tower_genesys::{Client, Org, ReplayBody, Sharing, store::MemoryStore};
    ///
    /// type Body = http_body_util::Full<bytes::Bytes>;
    ///
    /// # fn main() -> Result<(), tower_genesys::BoxError> {
    /// let client: Client<ReplayBody<Body>> = Client::new()?;
    /// let sharing = Sharing::unsealed(MemoryStore::new()); // a `RedisStore`, or a `FileStore`
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
            limiter: None,
        }
    }

    /// Returns the region, or the pair of base URLs in place of one.
    pub fn region(&self) -> &Region {
        &self.inner.region
    }

    /// Returns the URI for a path and query of this organisation's API.
    ///
    /// If the query holds values from elsewhere, use
    /// [`api_with_query`](Self::api_with_query), which encodes them: a `&` or a
    /// `+` in a value would change the query.
    ///
    /// # Errors
    ///
    /// A [`RegionError`] if the path does not begin with `/`, if it could lead
    /// out of the API, or if the path or query holds a character that you must
    /// percent-encode first.
    pub fn api(&self, path_and_query: &str) -> Result<Uri, RegionError> {
        self.inner.region.api(path_and_query)
    }

    /// Returns the URI for a path of this organisation's API, with these names
    /// and values as its query. It encodes them.
    ///
    /// A name may occur several times. If the path has a query of its own,
    /// these parameters follow it.
    ///
    /// ```
    /// # use tower_genesys::{Org, genesys::RegionError, testing::MockGenesys};
    /// # fn example(org: &Org) -> Result<http::Uri, RegionError> {
    /// let query = [("name", "Research & Development"), ("expand", "größe")];
    /// let uri = org.api_with_query("/api/v2/routing/queues?pageSize=100", query)?;
    /// # Ok(uri)
    /// # }
    /// # let mock = MockGenesys::new();
    /// # let source = tower_genesys::token::source_fn(|_| std::future::pending());
    /// # let org = Org::builder(mock.region()).build_from_source(source).unwrap();
    /// # let uri = example(&org).unwrap();
    /// assert_eq!(
    ///     uri.query(),
    ///     Some("pageSize=100&name=Research+%26+Development&expand=gr%C3%B6%C3%9Fe"),
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`api`](Self::api).
    pub fn api_with_query<K, V>(
        &self,
        path: &str,
        query: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Uri, RegionError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        self.inner.region.api_with_query(path, query)
    }

    /// Returns a key that tells this organisation from all others. Put it into
    /// the key of a cache that wraps a stack for several organisations;
    /// [`CacheKey`] has an example.
    pub fn cache_key(&self) -> CacheKey {
        self.inner.key
    }

    /// Returns the cache that holds the organisation's token. Use it for
    /// readiness probes and for requests outside of the layers.
    pub fn tokens(&self) -> &TokenCache {
        self.inner.account.tokens()
    }

    /// Logs out: ends the organisation's token at the service, in the store and
    /// in this process.
    ///
    /// This calls [`TokenCache::revoke`](crate::TokenCache::revoke), which
    /// explains each error. A login stays valid through its refresh token. To
    /// end the login as well, delete the refresh token where it is stored.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::NotRevocable`](crate::token::TokenErrorKind::NotRevocable)
    /// if the source is a custom one that does not implement
    /// [`TokenSource::revoke`]; otherwise the error of the service or store
    /// that failed.
    pub async fn revoke(&self) -> Result<(), TokenError> {
        self.tokens().revoke().await
    }

    /// Returns the origins that the token may be sent to.
    pub fn origins(&self) -> &Origins {
        self.inner.account.origins()
    }

    /// Returns the retry budget and throttle that all requests of the
    /// organisation share.
    pub fn upstream(&self) -> &Upstream {
        &self.inner.upstream
    }

    /// Reports whether a clone exists beside this one.
    pub(super) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// Returns the upstream of the `Org` in a request's extensions.
    pub(super) fn upstream_of(extensions: &Extensions) -> Option<&Upstream> {
        extensions.get::<Self>().map(Self::upstream)
    }
}

/// Selects the `Org` in the extensions of the request, or else this one.
impl SelectAccount for Org {
    type Tokens = TokenCache;

    fn select<'a>(&'a self, extensions: &'a Extensions) -> Option<&'a Account<TokenCache>> {
        Some(&extensions.get::<Self>().unwrap_or(self).inner.account)
    }
}

/// Selects the `Org` in the extensions of the request, or else this one. `None`
/// has no fallback.
impl SelectAccount for Option<Org> {
    type Tokens = TokenCache;

    fn select<'a>(&'a self, extensions: &'a Extensions) -> Option<&'a Account<TokenCache>> {
        let org = extensions.get::<Org>().or(self.as_ref())?;
        Some(&org.inner.account)
    }
}

impl fmt::Debug for Org {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Org")
            .field("region", &self.inner.region)
            .field("account", &self.inner.account)
            .finish_non_exhaustive()
    }
}

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
    limiter: Option<Limiter>,
}

/// Marks an [`OrgBuilder`] without credentials.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

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
            limiter: self.limiter,
        }
    }

    /// Sets the retry budget and throttle that the requests share. Default: an
    /// [`Upstream::new`] for each organisation that is built.
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Keeps the requests of this process within this limit. Default: no limit;
    /// the throttle learns of Genesys' limit through 429s.
    ///
    /// Processes that share a token also share its limit: for them, use
    /// [`Sharing::with_limit`](crate::Sharing::with_limit). To set both is an
    /// error.
    ///
    /// ```
    /// use tower_genesys::{Org, store::Limit, testing::MockGenesys};
    ///
    /// # fn main() -> Result<(), tower_genesys::genesys::ConfigError> {
    /// # let mock = MockGenesys::new();
    /// # let source = tower_genesys::token::source_fn(|_| std::future::pending());
    /// let org = Org::builder(mock.region())
    ///     .limit(Limit::per_minute(300))
    ///     .build_from_source(source)?;
    /// # let _ = org;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
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

    /// Both base URLs must be https unless the caller allows http on this
    /// machine: the layers send secrets to one and tokens to the other.
    fn build_over(self, tokens: TokenCache) -> Result<Org, ConfigError> {
        let limiter = match (self.limiter, &self.limit) {
            (None, Some(limit)) => Some(limit::of_one(limit)?),
            (limiter, _) => limiter,
        };
        let Self {
            region,
            upstream,
            origins,
            loopback,
            ..
        } = self;
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
        Ok(Org {
            inner: Arc::new(Inner {
                region,
                account,
                upstream,
                key: CacheKey::next(),
            }),
        })
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
    /// # use tower_genesys::{Org, Region, Sharing, store::MemoryStore, token::source_fn};
    /// # let source = source_fn(|_| std::future::pending());
    /// let sharing = Sharing::unsealed(MemoryStore::new());
    /// let org = Org::builder(Region::EU_WEST_1).share(sharing).build_from_source(source);
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Region`] if a base URL is not https, unless it is on
    /// this machine and [`allow_loopback`](Self::allow_loopback) is set;
    /// [`ConfigErrorKind::Limit`] if the [limit](Self::limit) cannot be kept.
    pub fn build_from_source(self, source: impl TokenSource) -> Result<Org, ConfigError> {
        self.build_over(TokenCache::new(source))
    }

    /// Builds an organisation whose tokens come from this cache, with the
    /// cache's source, settings and observer.
    ///
    /// ```
    /// use tower_genesys::{Org, TokenCache, testing::MockGenesys};
    ///
    /// # fn main() -> Result<(), tower_genesys::genesys::ConfigError> {
    /// # let mock = MockGenesys::new();
    /// # let source = tower_genesys::token::source_fn(|_| std::future::pending());
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
        self.build_over(tokens)
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
    /// that use the same client. Default: each process fetches its own token.
    ///
    /// To share the tokens of another source, use [`SharedSource::new`] with a
    /// key for it.
    pub fn share(mut self, sharing: Sharing) -> Self {
        self.sharing = Some(sharing);
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

    /// Builds an organisation that fetches its tokens with the credentials and
    /// this HTTP client.
    ///
    /// The client is any tower service; `B` is the type of its request bodies.
    /// A client that takes the bodies of [`Replay`](crate::replay) can serve
    /// both the token endpoint and the API.
    ///
    /// # Errors
    ///
    /// | kind | cause |
    /// |---|---|
    /// | [`ConfigErrorKind::Region`] | as for [`build_from_source`](OrgBuilder::build_from_source) |
    /// | [`ConfigErrorKind::Sharing`] | the system has no randomness for the [sharing](Self::share) |
    /// | [`ConfigErrorKind::Limit`] | the limit cannot be kept, is set both here and on the sharing, or is shared through a store that keeps no book |
    pub fn build<B>(self, client: impl TokenClient<B>) -> Result<Org, ConfigError>
    where
        P: Clone,
        B: From<Full<Bytes>> + Send + 'static,
    {
        let region = self.region.clone();
        let source = ClientCredentials::new(region, self.credentials.clone(), client)
            .with_dialect(self.dialect.clone());
        match &self.sharing {
            None => self.build_fetching(source),
            Some(sharing) => {
                let limiter = limit::of_fleet(sharing, &self.region, &self.credentials);
                let limiter = match (limiter, &self.limit) {
                    (Some(_), Some(_)) => return Err(limit::stated_twice()),
                    (limiter, _) => limiter.transpose()?,
                };
                let shared = SharedSource::identified(source, sharing.clone())?;
                Self { limiter, ..self }.build_fetching(shared)
            }
        }
    }

    fn build_fetching(self, source: impl TokenSource) -> Result<Org, ConfigError> {
        let cache = TokenCache::builder(source)
            .settings(self.settings)
            .shared_observer(self.observer.clone())
            .build();
        self.build_over(cache)
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

fn insecure(base: &Uri) -> ConfigError {
    let host = base.host().unwrap_or_default();
    let message = format!(
        "the base URL on {host} is not https: secrets and tokens would be sent unencrypted; use https, or \
         for a test server on this machine set `OrgBuilder::allow_loopback`, and with `Client` also \
         `ClientBuilder::allow_loopback` (GENESYS_ALLOW_LOOPBACK=1 sets both)"
    );
    ConfigError::new(ConfigErrorKind::Region, message)
}
