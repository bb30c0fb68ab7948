use std::{fmt, pin::Pin};

use secrecy::{ExposeSecret, SecretString};

use crate::BoxError;

/// Stores each new refresh token, so that the login survives the process.
///
/// Genesys gives a new refresh token with every token, and takes the old one no more. A source with
/// a store hands the token out only after [`persist`](Self::persist) has returned: whoever has seen
/// the token work can rely on the refresh token behind it being stored. When storing fails, the
/// fetch fails with [`NotPersisted`](crate::TokenErrorKind::NotPersisted), the new refresh token
/// and the token stay in memory, and the next fetch stores it first.
///
/// An async closure is a store:
///
/// ```
/// use tower_genesys::{BoxError, RefreshTokenStore, genesys::IssuedRefreshToken};
///
/// # async fn write_to_database(_: &str) -> Result<(), BoxError> { Ok(()) }
/// let store = |token: IssuedRefreshToken| async move { write_to_database(token.expose()).await };
/// # fn check(_: impl RefreshTokenStore) {}
/// # check(store);
/// ```
///
/// # Cancellation
///
/// The future is dropped with the fetch; the next one calls again with the same token. So storing
/// what is stored already has to be harmless. There is never more than one call at a time for one
/// source.
pub trait RefreshTokenStore: Send + Sync + 'static {
    /// Stores the refresh token in place of the one before.
    ///
    /// # Errors
    ///
    /// Any, without the refresh token in it: it becomes the source of a
    /// [`TokenError`](crate::TokenError), which may be logged.
    fn persist(
        &self,
        token: IssuedRefreshToken,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl<F, Fut, E> RefreshTokenStore for F
where
    F: Fn(IssuedRefreshToken) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Into<BoxError>,
{
    async fn persist(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
        self(token).await.map_err(Into::into)
    }
}

/// A refresh token that was issued just now. `Debug` does not show it.
///
/// An example is at [`RefreshTokenStore`].
#[derive(Clone)]
pub struct IssuedRefreshToken {
    secret: SecretString,
}

impl IssuedRefreshToken {
    pub(super) fn new(secret: SecretString) -> Self {
        Self { secret }
    }

    /// The refresh token itself. It is worth more than a password: store it encrypted.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for IssuedRefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedRefreshToken").finish_non_exhaustive()
    }
}

type Persisting<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// [`RefreshTokenStore`] behind a pointer, so that a source is not generic over it.
pub(super) trait ErasedStore: Send + Sync {
    fn persist(&self, token: IssuedRefreshToken) -> Persisting<'_>;
}

impl<T: RefreshTokenStore> ErasedStore for T {
    fn persist(&self, token: IssuedRefreshToken) -> Persisting<'_> {
        Box::pin(RefreshTokenStore::persist(self, token))
    }
}
