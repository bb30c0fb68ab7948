//! Credentials from an async closure.

use std::fmt;

use super::{Credentials, CredentialsProvider};
use crate::BoxError;

/// Returns a [`CredentialsProvider`] that calls an async closure at every fetch
/// of a token. Use it with a vault, a database or a secrets manager.
///
/// The closure must take id and secret from one read, so that they belong
/// together.
///
/// ```
/// use tower_genesys::{
///     BoxError, Credentials, genesys::{CredentialsProvider, credentials_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// # async fn ask_vault() -> Result<(String, String), BoxError> {
/// #     Ok(("my-client-id".into(), "my-client-secret".into()))
/// # }
/// let vault = credentials_fn(|| async {
///     let (id, secret) = ask_vault().await?;
///     Ok::<_, BoxError>(Credentials::new(id, secret)?)
/// });
/// assert_eq!(vault.credentials().await?.id(), "my-client-id");
/// # Ok(())
/// # }
/// ```
pub fn credentials_fn<F, Fut, E>(read: F) -> CredentialsFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Credentials, E>> + Send,
    E: Into<BoxError>,
{
    CredentialsFn { read }
}

/// The provider that [`credentials_fn`] returns.
#[derive(Clone, Copy)]
pub struct CredentialsFn<F> {
    read: F,
}

impl<F, Fut, E> CredentialsProvider for CredentialsFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Credentials, E>> + Send,
    E: Into<BoxError>,
{
    async fn credentials(&self) -> Result<Credentials, BoxError> {
        (self.read)().await.map_err(Into::into)
    }
}

impl<F> fmt::Debug for CredentialsFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsFn").finish_non_exhaustive()
    }
}
