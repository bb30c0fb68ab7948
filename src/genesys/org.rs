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

/// One Genesys Cloud organisation, as this process knows it: its region, its token, the origins
/// that the token may be sent to, and what its rate limits have shown so far.
///
/// Cheap to clone; a clone is the same organisation.
/// [`GenesysLayer::new`](super::layer::GenesysLayer::new) takes the one for all requests. An `Org` in the
/// extensions of a request is used for that request instead, so that one stack serves any number of
/// them; with [`GenesysLayer::per_request`](super::layer::GenesysLayer::per_request) each request has to
/// have one.
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

/// What each request reads comes first, so that it is in one line of the processor's cache: with
/// thousands of organisations, each further line is a wait for memory.
#[repr(C)]
struct Inner {
    account: Account<TokenCache>,
    upstream: Upstream,
    region: Region,
    key: CacheKey,
}

impl Org {
    /// The organisation that the environment names, with tokens fetched by this HTTP client.
    ///
    /// | variable | means |
    /// |---|---|
    /// | `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` | the OAuth client; where one is not set, `GENESYSCLOUD_OAUTHCLIENT_ID` or `GENESYSCLOUD_OAUTHCLIENT_SECRET`, as Genesys' Terraform provider has them |
    /// | `GENESYS_REGION`, `GENESYS_ENVIRONMENT` or `GENESYSCLOUD_REGION` | the region, in any form that [`Region::parse`] takes; if more than one is set, they must agree |
    /// | `GENESYS_LOGIN_URL` and `GENESYS_API_URL` | base URLs in place of a region, as for [`Region::custom`]: a gateway or a test server; both or neither, with https |
    /// | `GENESYS_ALLOW_LOOPBACK` | `1` allows http to this machine, as [`OrgBuilder::allow_loopback`]; [`ClientBuilder`](crate::client::ClientBuilder) reads it, too |
    ///
    /// They are read once; [`EnvCredentials`](super::EnvCredentials) reads them at every fetch of a
    /// token. [`builder_from_env`](Self::builder_from_env) has settings besides.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the variable that is missing or cannot be used.
    pub fn from_env<B>(client: impl TokenClient<B>) -> Result<Self, ConfigError>
    where
        B: From<Full<Bytes>> + Send + 'static,
    {
        Self::builder_from_env()?.build(client)
    }

    /// The same before it is built: with a shared token, an observer, or other settings.
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

    /// An organisation in this region.
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

    /// The region, or the pair of base URLs in place of one.
    pub fn region(&self) -> &Region {
        &self.inner.region
    }

    /// The URI of something in this organisation's API, from its path and query.
    ///
    /// Values that come from elsewhere are for [`api_with_query`](Self::api_with_query): a `&` or a
    /// `+` in one would change the query.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when the path does not begin with `/`, or would lead somewhere else, and when
    /// something in it or in the query has to be percent-encoded first.
    pub fn api(&self, path_and_query: &str) -> Result<Uri, RegionError> {
        self.inner.region.api(path_and_query)
    }

    /// The URI of something in this organisation's API, with a query of these names and values, which
    /// are encoded as they have to be.
    ///
    /// A name may come several times. What the path has behind a `?` comes first.
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

    /// What tells this organisation from all others, for the key of a cache outside of a stack that
    /// serves several.
    pub fn cache_key(&self) -> CacheKey {
        self.inner.key
    }

    /// The organisation's token, for probes, and to use outside of the layers.
    pub fn tokens(&self) -> &TokenCache {
        self.inner.account.tokens()
    }

    /// Logs out: ends the organisation's token at the service, in the store and in this process.
    ///
    /// [`TokenCache::revoke`](crate::TokenCache::revoke) of its tokens, which says what each error
    /// means. A login goes on by its refresh token; to end that too, forget it where it is stored.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::NotRevocable`](crate::token::TokenErrorKind::NotRevocable) for sources of your own
    /// that do not implement [`TokenSource::revoke`]; otherwise what could not be reached.
    pub async fn revoke(&self) -> Result<(), TokenError> {
        self.tokens().revoke().await
    }

    /// Where its token may be sent.
    pub fn origins(&self) -> &Origins {
        self.inner.account.origins()
    }

    /// What all its requests share when they are retried.
    pub fn upstream(&self) -> &Upstream {
        &self.inner.upstream
    }

    /// Whether somebody else has it too.
    pub(super) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    /// The upstream of the `Org` that a request names in its extensions.
    pub(super) fn upstream_of(extensions: &Extensions) -> Option<&Upstream> {
        extensions.get::<Self>().map(Self::upstream)
    }
}

/// The `Org` in the extensions of the request, or else this one.
impl SelectAccount for Org {
    type Tokens = TokenCache;

    fn select<'a>(&'a self, extensions: &'a Extensions) -> Option<&'a Account<TokenCache>> {
        Some(&extensions.get::<Self>().unwrap_or(self).inner.account)
    }
}

/// The `Org` in the extensions of the request, or else this one; of `None`, no other.
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
/// Tokens go to the region's API host, by https; they are renewed as [`CacheSettings`] states.
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

/// Nothing has been said yet about how an [`Org`] gets its tokens.
#[derive(Clone, Copy, Debug)]
pub struct NoCredentials;

impl<P> OrgBuilder<P> {
    /// The id and secret of the OAuth client, or whatever knows them at each fetch.
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

    /// What its requests share when they are retried. Default: an
    /// [`Upstream::new`] for each organisation that is built.
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Keeps this process to this limit, by itself. Default: none, and it learns of the limit by
    /// 429s.
    ///
    /// For processes that share a token, and so its limit, use
    /// [`Sharing::with_limit`](crate::Sharing::with_limit): both at once are an error.
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

    /// Origins that the token may be sent to besides the region's API host. Default: none.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Allows base URLs on this machine, also with http, for tests such as those with
    /// [`MockServer`](crate::testing::MockServer). [`Client`](crate::client::Client) has a setting of
    /// the same name, which it needs besides. Default: no.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

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

/// An organisation whose tokens do not come of credentials.
impl OrgBuilder<NoCredentials> {
    /// An organisation whose tokens come from this source, and are renewed by the default
    /// [`CacheSettings`]. Other settings and an observer are those of a
    /// [`TokenCache::builder`](crate::TokenCache::builder) around the source, for
    /// [`build_from_cache`](Self::build_from_cache).
    ///
    /// What only credentials make possible does not compile:
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
    /// [`ConfigErrorKind::Region`] when a base URL is not https, and not one on this machine that
    /// [`allow_loopback`](Self::allow_loopback) allows; [`ConfigErrorKind::Limit`] when the
    /// [limit](Self::limit) cannot be kept.
    pub fn build_from_source(self, source: impl TokenSource) -> Result<Org, ConfigError> {
        self.build_over(TokenCache::new(source))
    }

    /// An organisation whose tokens come from this cache, which has its own source, settings and
    /// observer.
    ///
    /// # Errors
    ///
    /// As for [`build_from_source`](Self::build_from_source).
    pub fn build_from_cache(self, tokens: TokenCache) -> Result<Org, ConfigError> {
        self.build_over(tokens)
    }
}

impl<P: CredentialsProvider> OrgBuilder<P> {
    /// When and how the token is renewed.
    pub fn cache_settings(mut self, settings: CacheSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Who is told of renewals. Default: nobody but `tracing`.
    pub fn observer(mut self, observer: impl TokenObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Shares the token with other processes that have the same client, over a
    /// [store](crate::store). Default: each process gets its own.
    ///
    /// Another source is shared by [`SharedSource::new`], under a key for it.
    pub fn share(mut self, sharing: Sharing) -> Self {
        self.sharing = Some(sharing);
        self
    }

    /// How the token endpoint wants to be asked. Default: as Genesys Cloud does.
    ///
    /// Other sources have a `with_dialect`.
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// An organisation whose tokens are fetched with the credentials, by this HTTP client.
    ///
    /// The client is any tower service; `B` is the type of its request bodies. A client that takes
    /// the bodies of [`Replay`](crate::replay) serves for tokens and for the API.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Region`] as for
    /// [`build_from_source`](OrgBuilder::build_from_source);
    /// [`ConfigErrorKind::Sharing`] when the system has no randomness for what is to be
    /// [shared](Self::share); [`ConfigErrorKind::Limit`] when a limit cannot be kept, is stated
    /// here and for the sharing, or is to be shared over a store that keeps no book.
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
        "the base URL on {host} is not https: secrets and tokens would go unencrypted; use https, or for \
         a test server on this machine `OrgBuilder::allow_loopback`, and `ClientBuilder::allow_loopback` \
         where it is reached by `Client` (GENESYS_ALLOW_LOOPBACK=1 does for both)"
    );
    ConfigError::new(ConfigErrorKind::Region, message)
}
