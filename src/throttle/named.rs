/// The limit that a 429 names in its body.
///
/// The reader in
/// [`RetryLayer::with_limit_reader`](crate::RetryLayer::with_limit_reader)
/// returns it. That method has an example.
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

/// The requests that a [`NamedLimit`] applies to.
///
/// [`RetryLayer::with_limit_reader`](crate::RetryLayer::with_limit_reader) has
/// an example.
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

    /// How many requests a minute it allows. Default: unknown.
    #[must_use]
    pub const fn with_per_minute(mut self, requests: Option<u32>) -> Self {
        self.per_minute = requests;
        self
    }
}
