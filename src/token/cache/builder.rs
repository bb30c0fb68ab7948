use std::{fmt, sync::Arc};

use super::{CacheSettings, TokenCache, shared::Shared};
use crate::token::{IssuedToken, TokenError, TokenObserver, TokenSource, source::ErasedSource};

/// Builds a [`TokenCache`].
///
/// An example is at [`TokenObserver`].
#[must_use = "a cache is made by `build`"]
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

    /// When and how the token is renewed. Default: [`CacheSettings::new`].
    pub fn settings(mut self, settings: CacheSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Who is told what happens. Default: nobody but `tracing`.
    pub fn observer(mut self, observer: impl TokenObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The observer of an [`Org`](crate::Org), whose builder can be cloned.
    pub(crate) fn shared_observer(mut self, observer: Option<Arc<dyn TokenObserver>>) -> Self {
        self.observer = observer;
        self
    }

    /// A cache without a token: the first who asks waits for one.
    pub fn build(self) -> TokenCache {
        match Shared::new(self.settings, self.source, self.observer, None) {
            Ok(shared) => TokenCache::of(shared),
            // There is no token that could be unfit.
            Err(error) => unreachable!("{error}"),
        }
    }

    /// A cache that serves a token which was had elsewhere, as long as it lives: one kept from an
    /// earlier run, say. Its life is counted from now.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Malformed`](crate::token::TokenErrorKind::Malformed) when the token cannot be
    /// sent, or has no life left.
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
