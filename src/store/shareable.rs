//! A source that knows under which key its tokens are shared.

use std::fmt;

use super::StoreKey;
use crate::token::{FetchContext, IssuedToken, TokenError, TokenSource};

/// A [`TokenSource`] that knows the key under which its tokens are shared.
///
/// The credentials may change while the process runs, so a fetch takes two
/// steps: the first finds the credentials and their key, the second fetches
/// with exactly these credentials. A token therefore never gets under the key
/// of another client.
///
/// [`Keyed`] makes one of a source whose key never changes. Implement the trait
/// for credentials that change:
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{
///     Sharing, TokenCache, TokenError as Error,
///     store::{MemoryStore, ShareableSource, SharedSource, StoreKey},
///     token::{FetchContext, IssuedToken, TokenSource},
/// };
///
/// struct Vault;
///
/// impl TokenSource for Vault {
///     async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, Error> {
///         let (_, client) = self.identify().await?;
///         self.fetch_as(&client, cx).await
///     }
/// }
///
/// impl ShareableSource for Vault {
///     type Identity = String;
///
///     async fn identify(&self) -> Result<(StoreKey, String), Error> {
///         let client = String::from("my-client-id"); // from the vault
///         Ok((StoreKey::new("vault.example", &client, "vault"), client))
///     }
///
///     async fn fetch_as(
///         &self,
///         client: &String,
///         _cx: FetchContext,
///     ) -> Result<IssuedToken, Error> {
///         let token = format!("token of {client}").replace(' ', "-");
///         Ok(IssuedToken::new(token, Duration::from_secs(3600)))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let sharing = Sharing::unsealed(MemoryStore::new());
/// let cache = TokenCache::new(SharedSource::identified(Vault, sharing)?);
/// assert_eq!(cache.token().await?.expose(), "token-of-my-client-id");
/// # Ok(())
/// # }
/// ```
pub trait ShareableSource: TokenSource {
    /// What [`identify`](Self::identify) found besides the key, such as the
    /// credentials.
    type Identity: Send + Sync;

    /// Returns the key under which the next token is shared, and what
    /// [`fetch_as`](Self::fetch_as) needs. It may take as long as one token
    /// request:
    /// [`Sharing::with_attempt_timeout`](super::Sharing::with_attempt_timeout).
    ///
    /// # Errors
    ///
    /// Those of [`TokenSource::fetch`], if the key cannot be found.
    ///
    /// # Cancellation
    ///
    /// The caller drops this future when that time is up.
    fn identify(
        &self,
    ) -> impl Future<Output = Result<(StoreKey, Self::Identity), TokenError>> + Send;

    /// Fetches a token with this identity, like [`TokenSource::fetch`].
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

/// A source whose tokens are always shared under one key.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::store::{Keyed, ShareableSource, StoreKey};
/// use tower_genesys::token::{IssuedToken, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let hour = Duration::from_secs(3600);
/// let source = source_fn(move |_cx| async move {
///     Ok(IssuedToken::new("s3cr3t", hour))
/// });
/// let key = StoreKey::new("login.mypurecloud.ie", "my-client-id", "vault");
/// let (shared_under, ()) = Keyed::new(source, key).identify().await?;
/// assert_eq!(shared_under, key);
/// # Ok(())
/// # }
/// ```
pub struct Keyed<T> {
    source: T,
    key: StoreKey,
}

impl<T> Keyed<T> {
    /// Shares the tokens of this source under this key.
    pub const fn new(source: T, key: StoreKey) -> Self {
        Self { source, key }
    }
}

/// Passes everything on to the source.
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
