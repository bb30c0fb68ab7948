//! The store of refresh tokens that a user provides.

use std::{fmt, future::ready, pin::Pin};

use secrecy::{ExposeSecret, SecretString};

use crate::BoxError;

/// Stores each new refresh token, so that the login survives the process.
///
/// Genesys issues a new refresh token with every token, and no longer accepts
/// the old one. A source with a store returns the token only after
/// [`persist`](Self::persist) has returned, so a token in use implies that its
/// refresh token is stored. If storing fails, the fetch fails with
/// [`NotPersisted`](crate::token::TokenErrorKind::NotPersisted). The token and
/// the new refresh token stay in memory, and the next fetch stores the refresh
/// token first.
///
/// An async closure is a store:
///
/// ```
/// use tower_genesys::{
///     BoxError, genesys::grants::{IssuedRefreshToken, RefreshTokenStore},
/// };
///
/// # async fn write_to_database(_: &str) -> Result<(), BoxError> { Ok(()) }
/// let store = |token: IssuedRefreshToken| async move {
///     write_to_database(token.expose()).await
/// };
/// # fn check(_: impl RefreshTokenStore) {}
/// # check(store);
/// ```
///
/// # When a process ends
///
/// A process may end after it has sent a refresh token, and before it has
/// stored the next one. It then leaves a used refresh token in the store. If
/// the next process sends that one, the server may treat it as theft and revoke
/// the login with all its tokens.
///
/// A store that can [mark](Self::mark) a refresh token prevents that. The next
/// process finds the mark, sends nothing, and fails at once with
/// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired). A mark costs
/// one more write for each renewal. In a database:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use tower_genesys::genesys::grants::{IssuedRefreshToken, RefreshTokenMark};
/// use tower_genesys::{BoxError, genesys::grants::RefreshTokenStore};
///
/// /// The row of one login: its refresh token, and whether that is in use.
/// #[derive(Clone, Default)]
/// struct Row(Arc<Mutex<(String, bool)>>);
///
/// impl RefreshTokenStore for Row {
///     // UPDATE login SET token = $1, in_use = FALSE
///     async fn persist(
///         &self,
///         token: IssuedRefreshToken,
///     ) -> Result<(), BoxError> {
///         let mut row = self.0.lock().map_err(|_| "poisoned")?;
///         *row = (token.expose().to_owned(), false);
///         Ok(())
///     }
///
///     // UPDATE login SET in_use = TRUE WHERE token = $1 AND NOT in_use
///     async fn mark(
///         &self,
///         token: IssuedRefreshToken,
///     ) -> Result<RefreshTokenMark, BoxError> {
///         let mut row = self.0.lock().map_err(|_| "poisoned")?;
///         if row.0 != token.expose() {
///             return Ok(RefreshTokenMark::Replaced);
///         }
///         Ok(match std::mem::replace(&mut row.1, true) {
///             true => RefreshTokenMark::Found,
///             false => RefreshTokenMark::Set,
///         })
///     }
///
///     // UPDATE login SET in_use = FALSE WHERE token = $1
///     async fn unmark(
///         &self,
///         token: IssuedRefreshToken,
///     ) -> Result<(), BoxError> {
///         let mut row = self.0.lock().map_err(|_| "poisoned")?;
///         row.1 &= row.0 != token.expose();
///         Ok(())
///     }
/// }
/// # fn check(_: impl RefreshTokenStore) {}
/// # check(Row::default());
/// ```
///
/// A closure cannot mark.
///
/// # Cancellation
///
/// The future is dropped with its fetch, and the next fetch calls again with
/// the same refresh token. So `persist` and `unmark` must be idempotent. A
/// source makes one call at a time.
pub trait RefreshTokenStore: Send + Sync + 'static {
    /// Replaces the stored refresh token with this one, unmarked.
    ///
    /// # Errors
    ///
    /// Any error without the refresh token in it. It becomes the source of a
    /// [`TokenError`](crate::TokenError), which may be logged.
    fn persist(
        &self,
        token: IssuedRefreshToken,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Marks the stored refresh token as in use before it is sent. Check and
    /// mark in one atomic step, so that only one of two processes gets
    /// [`Set`](RefreshTokenMark::Set).
    ///
    /// If the store holds another refresh token, return
    /// [`Replaced`](RefreshTokenMark::Replaced): this one is used up. If the
    /// store is empty, store this one, marked. Default:
    /// [`Unsupported`](RefreshTokenMark::Unsupported).
    ///
    /// # Errors
    ///
    /// As for [`persist`](Self::persist). The source then keeps the refresh
    /// token and does not send it:
    /// [`NotMarked`](crate::token::TokenErrorKind::NotMarked).
    fn mark(
        &self,
        token: IssuedRefreshToken,
    ) -> impl Future<Output = Result<RefreshTokenMark, BoxError>> + Send {
        drop(token);
        ready(Ok(RefreshTokenMark::Unsupported))
    }

    /// Removes the mark of a refresh token that is certainly not used up: it
    /// was not sent, or the server refused the request without looking at it.
    /// Default: a no-op.
    ///
    /// # Errors
    ///
    /// As for [`persist`](Self::persist). The next fetch tries again.
    fn unmark(
        &self,
        token: IssuedRefreshToken,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        drop(token);
        ready(Ok(()))
    }
}

/// The result of [`RefreshTokenStore::mark`]. [`RefreshTokenStore`] has an
/// example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshTokenMark {
    /// The refresh token was not marked, and is now.
    Set,
    /// The refresh token was already marked.
    Found,
    /// The stored refresh token is another one, so this one is used up.
    Replaced,
    /// The store cannot mark. A process that ends while it sends a refresh
    /// token leaves a used one.
    Unsupported,
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

/// A refresh token that a source gives to a store. `Debug` does not show it.
///
/// [`RefreshTokenStore`] has an example.
#[derive(Clone)]
pub struct IssuedRefreshToken {
    secret: SecretString,
}

impl IssuedRefreshToken {
    pub(super) fn new(secret: SecretString) -> Self {
        Self { secret }
    }

    /// Returns the refresh token itself. It is worth more than a password:
    /// store it encrypted.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for IssuedRefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedRefreshToken").finish_non_exhaustive()
    }
}

type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// An object-safe [`RefreshTokenStore`], so that a source is not generic over
/// it.
pub(super) trait ErasedStore: Send + Sync {
    fn persist(&self, token: IssuedRefreshToken) -> Stored<'_, ()>;
    fn mark(&self, token: IssuedRefreshToken) -> Stored<'_, RefreshTokenMark>;
    fn unmark(&self, token: IssuedRefreshToken) -> Stored<'_, ()>;
}

impl<T: RefreshTokenStore> ErasedStore for T {
    fn persist(&self, token: IssuedRefreshToken) -> Stored<'_, ()> {
        Box::pin(RefreshTokenStore::persist(self, token))
    }

    fn mark(&self, token: IssuedRefreshToken) -> Stored<'_, RefreshTokenMark> {
        Box::pin(RefreshTokenStore::mark(self, token))
    }

    fn unmark(&self, token: IssuedRefreshToken) -> Stored<'_, ()> {
        Box::pin(RefreshTokenStore::unmark(self, token))
    }
}
