use std::{fmt, future::ready, pin::Pin};

use secrecy::{ExposeSecret, SecretString};

use crate::BoxError;

/// Stores each new refresh token, so that the login survives the process.
///
/// Genesys gives a new refresh token with every token, and takes the old one no more. A source with
/// a store hands the token out only after [`persist`](Self::persist) has returned: whoever has seen
/// the token work can rely on the refresh token behind it being stored. When storing fails, the
/// fetch fails with [`NotPersisted`](crate::token::TokenErrorKind::NotPersisted), the new refresh token
/// and the token stay in memory, and the next fetch stores it first.
///
/// An async closure is a store:
///
/// ```
/// use tower_genesys::{BoxError, genesys::grants::{IssuedRefreshToken, RefreshTokenStore}};
///
/// # async fn write_to_database(_: &str) -> Result<(), BoxError> { Ok(()) }
/// let store = |token: IssuedRefreshToken| async move { write_to_database(token.expose()).await };
/// # fn check(_: impl RefreshTokenStore) {}
/// # check(store);
/// ```
///
/// # When a process ends
///
/// A process that ends after it has sent a refresh token, and before it has stored the next, leaves
/// a spent one behind. The next process sends it, and the server takes that for theft: the login is
/// lost, and every token that came of it. A store that can [mark](Self::mark) a refresh token
/// prevents that: the next process finds the mark, sends nothing, and answers
/// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired) at once. It costs one write more for each
/// renewal. In a database:
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
///     async fn persist(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
///         *self.0.lock().map_err(|_| "poisoned")? = (token.expose().to_owned(), false);
///         Ok(())
///     }
///
///     // UPDATE login SET in_use = TRUE WHERE token = $1 AND NOT in_use
///     async fn mark(&self, token: IssuedRefreshToken) -> Result<RefreshTokenMark, BoxError> {
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
///     async fn unmark(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
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
/// A future is dropped with the fetch; the next fetch calls again with the same token. So storing
/// what is stored already has to be harmless, and so has unmarking what is not marked. There is
/// never more than one call at a time for one source.
pub trait RefreshTokenStore: Send + Sync + 'static {
    /// Stores the refresh token in place of the one before, unmarked.
    ///
    /// # Errors
    ///
    /// Any, without the refresh token in it: it becomes the source of a
    /// [`TokenError`](crate::TokenError), which may be logged.
    fn persist(
        &self,
        token: IssuedRefreshToken,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Marks the stored refresh token as in use, before it is sent, unless it is already: in one
    /// step, so that of two processes one gets [`Set`](RefreshTokenMark::Set).
    ///
    /// A store that holds another refresh token answers [`Replaced`](RefreshTokenMark::Replaced):
    /// this one is spent. An empty store stores this one, marked. Default:
    /// [`Unsupported`](RefreshTokenMark::Unsupported).
    ///
    /// # Errors
    ///
    /// As for [`persist`](Self::persist). The refresh token is then not sent, and kept:
    /// [`NotMarked`](crate::token::TokenErrorKind::NotMarked).
    fn mark(
        &self,
        token: IssuedRefreshToken,
    ) -> impl Future<Output = Result<RefreshTokenMark, BoxError>> + Send {
        drop(token);
        ready(Ok(RefreshTokenMark::Unsupported))
    }

    /// Takes the mark off a refresh token that was certainly not spent: it was not sent, or refused
    /// without a look at it. Default: does nothing.
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

/// What [`RefreshTokenStore::mark`] has found.
///
/// An example is at [`RefreshTokenStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshTokenMark {
    /// It was not marked, and is now.
    Set,
    /// It was marked before.
    Found,
    /// The stored refresh token is another one, so this one is spent.
    Replaced,
    /// The store cannot mark. A process that ends while it sends a refresh token leaves a spent one.
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

/// A refresh token on its way to a store. `Debug` does not show it.
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

type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`RefreshTokenStore`] behind a pointer, so that a source is not generic over it.
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
