//! Regions: the hosts of login and API, listed or custom.
//!
//! `table` lists them, `parse` reads their spellings, and `base` checks URLs
//! and paths. Secrets and tokens go to these hosts, so everything that could
//! lead elsewhere is an error.

mod base;
mod error;
mod parse;
mod table;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use http::Uri;

use self::base::{Base, check_path};
pub use self::error::{RegionError, RegionErrorKind};
use crate::bearer::Origins;

/// The hosts of a Genesys Cloud organisation, one for login and one for the
/// API.
///
/// A clone is cheap. Two regions are equal if they have the same base URLs,
/// however you wrote them.
///
/// A region is one of the eighteen listed here, a newer one, or a custom pair
/// of base URLs. [`Region::parse`] takes all common spellings. Since client
/// secrets are sent to these hosts, it refuses a text that only looks like a
/// Genesys host.
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
/// If you reach Genesys Cloud through a gateway, pass scheme, host, port and
/// path prefix for login and for the API to [`Region::custom`]. The result
/// works wherever a region does:
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

/// A listed region costs no memory; any other one is shared by its clones.
#[derive(Clone)]
enum SiteRef {
    Listed(&'static Site),
    Own(Arc<Site>),
}

/// The facts of a region.
struct Site {
    name: Cow<'static, str>,
    /// `None` for a custom pair of base URLs.
    domain: Option<Cow<'static, str>>,
    login: Base,
    api: Base,
    /// The origin of the API, shared by all organisations of a listed region.
    origins: Option<fn() -> &'static Origins>,
}

impl Region {
    /// Builds a region from two base URLs, one for login and one for the API.
    /// Each has a scheme and a host, and if needed a port and a path prefix.
    ///
    /// `http://` is accepted, for tests and for gateways on the same machine.
    /// Whether a token is sent there is another question:
    /// [`Bearer`](crate::bearer) has its own list of origins.
    ///
    /// # Errors
    ///
    /// A [`RegionError`] if a base URL has one of these faults:
    ///
    /// - no scheme, or a scheme other than http and https;
    /// - no host;
    /// - a user name or password;
    /// - a query or a fragment;
    /// - a path that each request adds, such as `/oauth/token` or `/api/v2`.
    ///
    /// ```
    /// use tower_genesys::{Region, genesys::RegionErrorKind};
    ///
    /// let gateway = "https://gw.example/genesys";
    /// let region = Region::custom(gateway, gateway)?;
    /// assert_eq!((region.name(), region.domain()), ("custom", None));
    /// assert_eq!(region.login_host(), "gw.example");
    /// assert_eq!(region.api_base(), "https://gw.example/genesys");
    ///
    /// let token_url = "https://gw.example/genesys/oauth/token";
    /// let error = Region::custom(token_url, gateway).unwrap_err();
    /// assert_eq!(error.kind(), RegionErrorKind::Endpoint);
    /// # Ok::<(), tower_genesys::genesys::RegionError>(())
    /// ```
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

    /// Returns the listed region with these base URLs if there is one, which
    /// keeps its name.
    fn own(site: Site) -> Self {
        let same = |other: &&Self| other.site().login == site.login && other.site().api == site.api;
        match Self::all().iter().find(same) {
            Some(listed) => listed.clone(),
            None => Self {
                site: SiteRef::Own(Arc::new(site)),
            },
        }
    }

    /// Returns the facts, whether they are listed or not.
    fn site(&self) -> &Site {
        match &self.site {
            SiteRef::Listed(site) => site,
            SiteRef::Own(site) => site,
        }
    }

    /// Returns the name of the region, such as `us-east-1`. A region that this
    /// version does not list has its domain as the name; a
    /// [`custom`](Self::custom) pair has the name `custom`.
    pub fn name(&self) -> &str {
        &self.site().name
    }

    /// Returns the domain of its hosts, such as `mypurecloud.com`, or `None`
    /// for a [`custom`](Self::custom) pair.
    pub fn domain(&self) -> Option<&str> {
        self.site().domain.as_deref()
    }

    /// Returns the base URL for login, such as
    /// `https://login.mypurecloud.com/`.
    pub fn login_base(&self) -> Uri {
        self.site().login.uri("")
    }

    /// Returns the base URL of the API, such as `https://api.mypurecloud.com/`.
    pub fn api_base(&self) -> Uri {
        self.site().api.uri("")
    }

    /// Returns the origin of the API. All organisations of a listed region
    /// share one.
    pub(super) fn api_origins(&self) -> Origins {
        let of_base = || {
            let base = self.api_base();
            Origins::of_checked_host(base.authority().map_or("", |host| host.as_str()))
        };
        self.site()
            .origins
            .map_or_else(of_base, |shared| shared().clone())
    }

    /// Returns the host for login, with the port if it is not the scheme's
    /// default.
    pub fn login_host(&self) -> &str {
        &self.site().login.host
    }

    /// Returns the host of the API, with the port if it is not the scheme's
    /// default.
    pub fn api_host(&self) -> &str {
        &self.site().api.host
    }

    /// Returns the URL of the token endpoint: `<login base>/oauth/token`.
    pub fn token_url(&self) -> Uri {
        self.site().login.uri("/oauth/token")
    }

    /// Returns the URL of this path and query in the API: the base URL with its
    /// path prefix, then the path and query.
    ///
    /// # Errors
    ///
    /// [`RegionErrorKind::InvalidPath`] if the path has one of these faults:
    ///
    /// - It does not begin with `/`.
    /// - It could lead out of the base URL: `//`, `\`, or a segment `.` or
    ///   `..`, also percent-encoded.
    /// - It holds a fragment, a control character, white space, a character
    ///   beyond ASCII, or another one that a URL must percent-encode.
    pub fn api(&self, path_and_query: &str) -> Result<Uri, RegionError> {
        check_path(path_and_query)?;
        self.site().api.join(path_and_query)
    }

    /// Returns the URL of this path in the API, with these names and values,
    /// which it encodes, as the query.
    /// [`Org::api_with_query`](super::Org::api_with_query) shows the same call.
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
        // The path may have a query of its own, which stays in front.
        match (encoded.is_empty(), path.contains('?')) {
            (true, _) => self.api(path),
            (false, true) => self.api(&format!("{path}&{encoded}")),
            (false, false) => self.api(&format!("{path}?{encoded}")),
        }
    }

    /// Returns the path prefix of the login base, which the mock strips.
    #[cfg(feature = "testing")]
    pub(crate) fn login_prefix(&self) -> &str {
        &self.site().login.prefix
    }

    #[cfg(feature = "testing")]
    pub(crate) fn api_prefix(&self) -> &str {
        &self.site().api.prefix
    }
}

/// Compares the base URLs: the name and the domain follow from them.
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

/// Writes the name, or for a custom pair both base URLs.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site();
        match site.domain {
            Some(_) => f.write_str(&site.name),
            None => write!(f, "login at {}, API at {}", site.login, site.api),
        }
    }
}
