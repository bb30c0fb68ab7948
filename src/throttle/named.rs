/// The limit that a 429 names in its body.
///
/// Made by the reader that is given to
/// [`RetryLayer::with_limit_reader`](crate::RetryLayer::with_limit_reader), where there is an
/// example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedLimit {
    /// The limit's name. It goes into events, so it must hold no secret. What is over 256 bytes of
    /// it is cut off.
    pub name: String,
    /// What it is about.
    pub scope: LimitScope,
    /// How many requests a minute it allows, if the 429 says so.
    pub per_minute: Option<u32>,
}

/// What a [`NamedLimit`] is about.
///
/// An example: [`RetryLayer::with_limit_reader`](crate::RetryLayer::with_limit_reader).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitScope {
    /// All requests with this token, or of this client.
    Account,
    /// The requests to one service: those whose 429s give the same name.
    Service,
}

impl NamedLimit {
    /// A limit of this name.
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
