use std::{fmt, sync::Arc};

use super::{CacheSettings, TokenCache, shared::Shared};
use crate::token::{IssuedToken, TokenError, TokenObserver, TokenSource, source::ErasedSource};

/// Builds a [`TokenCache`].
///
/// [`TokenObserver`] shows one with an observer. This one starts from a stored
/// token:
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{TokenCache, TokenError};
/// use tower_genesys::token::{CacheSettings, IssuedToken, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// let hour = Duration::from_secs(3600);
/// let source = source_fn(move |_| async move {
///     Ok(IssuedToken::new("next", hour))
/// });
/// let cache = TokenCache::builder(source)
///     .settings(CacheSettings::new().with_attempts(2))
///     .build_with_token(IssuedToken::new("stored", hour))?;
/// assert_eq!(cache.token().await?.expose(), "stored");
/// # Ok(())
/// # }
/// ```
#[must_use = "call `build` to get the cache"]
pub struct TokenCacheBuilder {
    source: Box<dyn ErasedSource>,
    settings: CacheSettings,
    observer: Option<Arc<dyn TokenObserver>>,
}

impl TokenCacheBuilder {
    pub(super) fn new(source: impl TokenSource) -> Self {
        Self {
            source: Box::new(source),
            settings: CacheSettings::new(),
            observer: None,
        }
    }

    /// Sets when and how the cache renews the token. Default:
    /// [`CacheSettings::new`].
    pub fn settings(mut self, settings: CacheSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the observer of the cache's events. Default: none; the cache always
    /// logs through `tracing`.
    pub fn observer(mut self, observer: impl TokenObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets the observer of an [`Org`](crate::Org), whose builder implements
    /// `Clone`.
    pub(crate) fn shared_observer(mut self, observer: Option<Arc<dyn TokenObserver>>) -> Self {
        self.observer = observer;
        self
    }

    /// Builds a cache without a token. The first caller waits for one.
    pub fn build(self) -> TokenCache {
        match Shared::new(self.settings, self.source, self.observer, None) {
            Ok(shared) => TokenCache::of(shared),
            // Only a token at the start can be invalid, and there is none here.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// Builds a cache that starts with a token obtained elsewhere (in an
    /// earlier run, for example), and uses it until it expires. Its lifetime
    /// counts from now.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Malformed`](crate::token::TokenErrorKind::Malformed)
    /// if no header can hold the token, or if it has expired.
    pub fn build_with_token(self, token: IssuedToken) -> Result<TokenCache, TokenError> {
        Shared::new(self.settings, self.source, self.observer, Some(token)).map(TokenCache::of)
    }
}

impl fmt::Debug for TokenCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCacheBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
