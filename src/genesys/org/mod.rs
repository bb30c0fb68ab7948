//! An organisation: its region, its token, the origins of the token, and its
//! throttle.

mod builder;
mod cache_key;

use std::{fmt, sync::Arc};

use http::{Extensions, Uri};

pub use builder::{NoCredentials, OrgBuilder};
pub use cache_key::CacheKey;

use super::{Region, RegionError};
use crate::{
    bearer::{Account, Origins, SelectAccount},
    retry::Upstream,
    token::{TokenCache, TokenError},
};

/// One Genesys Cloud organisation in this process: its region, its token, the
/// origins that the token may be sent to, and its throttle and retry budget.
///
/// A clone is cheap and refers to the same organisation.
///
/// [`GenesysLayer::new`](crate::GenesysLayer::new) takes the default `Org` of a
/// stack. A request that has another `Org` in its extensions is sent for that
/// organisation, with its token, so one stack serves any number of
/// organisations. With
/// [`GenesysLayer::per_request`](crate::GenesysLayer::per_request), each
/// request must name its `Org`.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use tower_genesys::{Credentials, Org, Region, testing::MockGenesys};
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// let client = MockGenesys::new().http_client(); // for your HTTP client
/// let org = Org::builder(Region::EU_WEST_1)
///     .credentials(Credentials::new("my-client-id", "my-client-secret")?)
///     .build(client)?;
///
/// let request = Request::get(org.api("/api/v2/users?pageSize=100")?);
/// let mut request = request.body(Full::<Bytes>::default())?;
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
    fn new(region: Region, account: Account<TokenCache>, upstream: Upstream) -> Self {
        Self {
            inner: Arc::new(Inner {
                account,
                upstream,
                region,
                key: CacheKey::next(),
            }),
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
    /// # use tower_genesys::token::source_fn;
    /// # fn example(org: &Org) -> Result<http::Uri, RegionError> {
    /// let query = [("name", "R & D"), ("expand", "größe")];
    /// let path = "/api/v2/routing/queues?pageSize=100";
    /// let uri = org.api_with_query(path, query)?;
    /// # Ok(uri)
    /// # }
    /// # let mock = MockGenesys::new();
    /// # let source = source_fn(|_| std::future::pending());
    /// # let org = Org::builder(mock.region());
    /// # let org = org.build_from_source(source).unwrap();
    /// # let uri = example(&org).unwrap();
    /// assert_eq!(
    ///     uri.query(),
    ///     Some("pageSize=100&name=R+%26+D&expand=gr%C3%B6%C3%9Fe"),
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

    /// Ends the organisation's token at the service, in the store and in this
    /// process.
    ///
    /// This calls [`TokenCache::revoke`](crate::TokenCache::revoke), which
    /// explains each error. A person's login outlives the token, through its
    /// refresh token. To log the person out, also delete the refresh token
    /// where it is stored.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::NotRevocable`](crate::token::TokenErrorKind::NotRevocable)
    /// if the source is a custom one that does not implement
    /// [`TokenSource::revoke`](crate::token::TokenSource::revoke); otherwise
    /// the error of the service or store that failed.
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
