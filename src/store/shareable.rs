use std::fmt;

use super::StoreKey;
use crate::token::{FetchContext, IssuedToken, TokenError, TokenSource};

/// A [`TokenSource`] that knows under which key its tokens can be shared.
///
/// Whose tokens they are may change while the process runs, with the credentials. So a fetch is in
/// two steps, of which the second goes by what the first has found: a token never gets under the
/// key of another client.
///
/// An example: [`store`](crate::store).
pub trait ShareableSource: TokenSource {
    /// What was found out on the way to the key, such as the credentials.
    type Identity: Send + Sync;

    /// Under which key the next token is shared. May take as long as a request:
    /// [`Sharing::with_attempt_timeout`](super::Sharing::with_attempt_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`TokenSource::fetch`], when it cannot be found out.
    ///
    /// # Cancellation
    ///
    /// Dropped when that time is over.
    fn identify(
        &self,
    ) -> impl Future<Output = Result<(StoreKey, Self::Identity), TokenError>> + Send;

    /// [`TokenSource::fetch`] with this identity.
    ///
    /// # Errors
    ///
    /// Those of [`TokenSource::fetch`].
    fn fetch_as(
        &self,
        identity: &Self::Identity,
        cx: FetchContext,
    ) -> impl Future<Output = Result<IssuedToken, TokenError>> + Send;
}

/// A source whose tokens are shared under one key always.
///
/// An example: [`store`](crate::store).
pub struct Keyed<T> {
    source: T,
    key: StoreKey,
}

impl<T> Keyed<T> {
    /// The tokens of this source, under this key.
    pub const fn new(source: T, key: StoreKey) -> Self {
        Self { source, key }
    }
}

impl<T: TokenSource> TokenSource for Keyed<T> {
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        self.source.fetch(cx).await
    }

    fn login_host(&self) -> Option<&str> {
        self.source.login_host()
    }

    fn is_repeatable(&self) -> bool {
        self.source.is_repeatable()
    }

    fn may_overlap(&self) -> bool {
        self.source.may_overlap()
    }

    async fn revoke(&self, token: Option<&str>) -> Result<(), TokenError> {
        self.source.revoke(token).await
    }

    fn keeps_deadline(&self) -> bool {
        self.source.keeps_deadline()
    }
}

impl<T: TokenSource> ShareableSource for Keyed<T> {
    type Identity = ();

    async fn identify(&self) -> Result<(StoreKey, ()), TokenError> {
        Ok((self.key, ()))
    }

    async fn fetch_as(&self, _: &(), cx: FetchContext) -> Result<IssuedToken, TokenError> {
        self.source.fetch(cx).await
    }
}

impl<T: fmt::Debug> fmt::Debug for Keyed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("source", &self.source)
            .field("key", &self.key)
            .finish()
    }
}
