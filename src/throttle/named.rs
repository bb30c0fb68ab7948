/// The limit that a 429 names in its body.
///
/// The reader in
/// [`RetryLayer::with_limit_reader`](crate::RetryLayer::with_limit_reader)
/// returns it:
///
/// ```
/// use tower_genesys::retry::{LimitScope, NamedLimit};
///
/// // The body of a 429: "Rate limit exceeded: 300 requests per minute"
/// fn read(body: &[u8]) -> Option<NamedLimit> {
///     let text = std::str::from_utf8(body).ok()?;
///     let (_, rate) = text.split_once("Rate limit exceeded: ")?;
///     let requests = rate.split(' ').next()?.parse().ok();
///     let limit = NamedLimit::new("requests", LimitScope::Account);
///     Some(limit.with_per_minute(requests))
/// }
///
/// let limit = read(b"Rate limit exceeded: 300 requests per minute").unwrap();
/// assert_eq!(limit.per_minute, Some(300));
/// assert_eq!(limit.scope, LimitScope::Account);
/// assert_eq!(read(b"busy"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedLimit {
    /// The limit's name. It appears in events, so it must not contain a secret.
    /// It is cut off after 256 bytes.
    pub name: String,
    /// The requests that the limit applies to.
    pub scope: LimitScope,
    /// The number of requests a minute that it allows, if the 429 says so.
    pub per_minute: Option<u32>,
}

/// The requests that a [`NamedLimit`] applies to, which wait after a 429 that
/// names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitScope {
    /// All requests with this token, or of this client.
    Account,
    /// The requests to one service: those whose 429s give the same name.
    Service,
}

impl NamedLimit {
    /// Returns a limit with this name. Its rate is unknown.
    pub fn new(name: impl Into<String>, scope: LimitScope) -> Self {
        Self {
            name: name.into(),
            scope,
            per_minute: None,
        }
    }

    /// Sets the number of requests a minute that the limit allows. Default:
    /// unknown.
    #[must_use]
    pub const fn with_per_minute(mut self, requests: Option<u32>) -> Self {
        self.per_minute = requests;
        self
    }
}
