mod base;
mod error;
mod parse;
mod path;
mod table;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use http::Uri;

use self::base::Base;
pub use self::error::{RegionError, RegionErrorKind};
use crate::bearer::Origins;

/// Where a Genesys Cloud organisation lives: the hosts for login and for the API.
///
/// Cheap to clone. Two are equal when they have the same base URLs, however they were written.
///
/// It is one of the eighteen that there are, or one that has appeared since, or a pair of
/// base URLs of your own. [`Region::parse`] takes whatever people write for it; what merely looks
/// like a Genesys host is refused, since client secrets are sent there.
///
/// ```
/// use tower_genesys::Region;
///
/// let region: Region = "https://api.mypurecloud.ie/".parse()?;
/// assert_eq!(region, Region::EU_WEST_1);
/// assert_eq!(region.token_url(), "https://login.mypurecloud.ie/oauth/token");
/// assert_eq!(
///     region.api("/api/v2/users?pageSize=100")?,
///     "https://api.mypurecloud.ie/api/v2/users?pageSize=100",
/// );
/// assert!(Region::parse("mypurecloud.com.evil.example").is_err());
/// # Ok::<(), tower_genesys::genesys::RegionError>(())
/// ```
///
/// # A gateway in front
///
/// Some customers reach Genesys Cloud through a gateway. [`Region::custom`] takes scheme, host,
/// port and path prefix for login and for the API, and works wherever a region does:
///
/// ```
/// use tower_genesys::Region;
///
/// let login = "https://gw.corp.example/login";
/// let region = Region::custom(login, "https://gw.corp.example:8443/genesys")?;
/// assert_eq!(region.token_url(), "https://gw.corp.example/login/oauth/token");
/// assert_eq!(
///     region.api("/api/v2/users/me")?,
///     "https://gw.corp.example:8443/genesys/api/v2/users/me",
/// );
/// # Ok::<(), tower_genesys::genesys::RegionError>(())
/// ```
#[derive(Clone)]
pub struct Region {
    site: SiteRef,
}

#[derive(Clone)]
enum SiteRef {
    Listed(&'static Site),
    Own(Arc<Site>),
}

struct Site {
    name: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    login: Base,
    api: Base,
    /// The origin of the API, for a region of which many organisations may be.
    origins: Option<fn() -> &'static Origins>,
}

impl Region {
    /// The region that a text names.
    ///
    /// These all give the same one, in any case of letters: `us-east-1`, `us_east_1`,
    /// `mypurecloud.com`, `api.mypurecloud.com`, `login.mypurecloud.com`, `apps.mypurecloud.com`,
    /// `https://api.mypurecloud.com/`. White space around it, a trailing dot and the port 443 do no
    /// harm. A region that is newer than this crate is known by its domain, such as
    /// `new1.pure.cloud`.
    ///
    /// # Errors
    ///
    /// A [`RegionError`] that says what to write instead, when the text is none of these. Other
    /// hosts need
    /// [`custom`](Self::custom).
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        parse::region(text)
    }

    /// A pair of base URLs, one for login and one for the API, each with scheme and host, and where
    /// needed a port and a path prefix.
    ///
    /// `http://` is understood, for tests and for gateways on the same machine. That says nothing
    /// about whether a token is sent there: [`Bearer`](crate::bearer) keeps its own list of
    /// origins.
    ///
    /// # Errors
    ///
    /// A [`RegionError`] when either is no such URL: no scheme, or one that is not http or https;
    /// no host; a user name or password; a query or a fragment; a path that each request adds to it,
    /// such as `/oauth/token` or `/api/v2`.
    pub fn custom(login_base: &str, api_base: &str) -> Result<Self, RegionError> {
        let login = Base::parse("login", login_base)?;
        let api = Base::parse("API", api_base)?;
        Ok(Self::own(Site {
            name: Cow::Borrowed("custom"),
            domain: None,
            login,
            api,
            origins: None,
        }))
    }

    /// All regions that this version knows, eighteen of them.
    pub fn all() -> &'static [Self] {
        table::ALL
    }

    /// The listed region with these base URLs, if there is one, so that its name is not lost.
    fn own(site: Site) -> Self {
        let same = |other: &&Self| other.site().login == site.login && other.site().api == site.api;
        match Self::all().iter().find(same) {
            Some(listed) => listed.clone(),
            None => Self {
                site: SiteRef::Own(Arc::new(site)),
            },
        }
    }

    fn site(&self) -> &Site {
        match &self.site {
            SiteRef::Listed(site) => site,
            SiteRef::Own(site) => site,
        }
    }

    /// The name of the region: `us-east-1`; the domain of one that this version does not know;
    /// `custom` for a
    /// [`custom`](Self::custom) pair.
    pub fn name(&self) -> &str {
        &self.site().name
    }

    /// The domain that its hosts belong to, such as `mypurecloud.com`; `None` for a
    /// [`custom`](Self::custom) pair.
    pub fn domain(&self) -> Option<&str> {
        self.site().domain.as_deref()
    }

    /// The base URL for login, such as `https://login.mypurecloud.com/`.
    pub fn login_base(&self) -> Uri {
        self.site().login.uri("")
    }

    /// The base URL of the API, such as `https://api.mypurecloud.com/`.
    pub fn api_base(&self) -> Uri {
        self.site().api.uri("")
    }

    /// The origin of the API; one that all organisations of a listed region share.
    pub(super) fn api_origins(&self) -> Origins {
        let of_base = || {
            let base = self.api_base();
            Origins::of_checked_host(base.authority().map_or("", |host| host.as_str()))
        };
        self.site()
            .origins
            .map_or_else(of_base, |shared| shared().clone())
    }

    /// The host for login, with the port if it is not the usual one.
    pub fn login_host(&self) -> &str {
        &self.site().login.host
    }

    /// The host of the API, with the port if it is not the usual one.
    pub fn api_host(&self) -> &str {
        &self.site().api.host
    }

    /// Where tokens are to be had: `<login base>/oauth/token`.
    pub fn token_url(&self) -> Uri {
        self.site().login.uri("/oauth/token")
    }

    /// The URL of something in the API: the base with its path prefix, then this path and query.
    ///
    /// # Errors
    ///
    /// [`RegionErrorKind::InvalidPath`] when the path does not begin with `/`, could lead out of
    /// the base (`//`, `\`, a segment `..`, also when percent-encoded), or holds what no URL may:
    /// a fragment, control characters, white space, anything beyond ASCII.
    pub fn api(&self, path_and_query: &str) -> Result<Uri, RegionError> {
        path::check(path_and_query)?;
        self.site().api.join(path_and_query)
    }

    /// The URL of something in the API, as [`api`](Self::api), with a query of these names and
    /// values. [`Org::api_with_query`](super::Org::api_with_query) has an example.
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
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        let encoded = encoded.extend_pairs(query).finish();
        match (encoded.is_empty(), path.contains('?')) {
            (true, _) => self.api(path),
            (false, true) => self.api(&format!("{path}&{encoded}")),
            (false, false) => self.api(&format!("{path}?{encoded}")),
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn login_prefix(&self) -> &str {
        &self.site().login.prefix
    }

    #[cfg(feature = "testing")]
    pub(crate) fn api_prefix(&self) -> &str {
        &self.site().api.prefix
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Region {
    type Error = RegionError;

    fn try_from(text: &str) -> Result<Self, RegionError> {
        Self::parse(text)
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        let (this, other) = (self.site(), other.site());
        this.login == other.login && this.api == other.api
    }
}

impl Eq for Region {}

impl Hash for Region {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.site().login.hash(state);
        self.site().api.hash(state);
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("name", &self.site().name)
            .field("login", &format_args!("{}", self.site().login))
            .field("api", &format_args!("{}", self.site().api))
            .finish()
    }
}

/// The name, or for a custom pair both base URLs.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site();
        match site.domain {
            Some(_) => f.write_str(&site.name),
            None => write!(f, "login at {}, API at {}", site.login, site.api),
        }
    }
}
