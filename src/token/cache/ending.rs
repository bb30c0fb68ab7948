use super::TokenCache;
use crate::token::TokenError;

/// The end of a token, and of the cache.
impl TokenCache {
    /// Revokes the token at the service, and removes it from the store (if
    /// processes share it) and from this cache.
    ///
    /// Use it in jobs and in programs that log out; otherwise the token stays
    /// valid for up to a day. The next caller gets a new token, unless the
    /// cache is [closed](Self::close). Other processes that share the token get
    /// a 401, and replace the token with one token request in all.
    ///
    /// If this process has no token, the call revokes the one in the store.
    ///
    /// # Errors
    ///
    /// | kind | result |
    /// |---|---|
    /// | [`Store`](crate::token::TokenErrorKind::Store) | the token has ended; only the store was unreachable and still has it |
    /// | [`TimedOut`](crate::token::TokenErrorKind::TimedOut), [`Transport`](crate::token::TokenErrorKind::Transport) | unknown: the service was unreachable, or did not respond |
    /// | [`NotRevocable`](crate::token::TokenErrorKind::NotRevocable), all others | nothing: the token is unchanged |
    ///
    /// If the token has not ended, the cache keeps it, so the caller can repeat
    /// the call.
    ///
    /// # Cancellation
    ///
    /// A dropped future may already have revoked the token. The cache then
    /// serves it until the API responds with 401.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use http_body_util::Full;
    /// # use tower_genesys::{Credentials, Org, testing::MockGenesys};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::new();
    /// # let org = Org::builder(mock.region())
    /// #     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
    /// #     .build(mock.http_client())?;
    /// org.tokens().token().await?;
    /// assert_eq!(mock.live_tokens(), 1);
    /// org.tokens().revoke().await?;
    /// assert_eq!(mock.live_tokens(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke(&self) -> Result<(), TokenError> {
        self.shared.revoke().await
    }

    /// Stops renewals permanently, and waits until a renewal in flight has
    /// ended (at most a second).
    ///
    /// The cache serves a valid token until it expires. Without one, callers
    /// get [`TokenErrorKind::Closed`](crate::token::TokenErrorKind::Closed).
    ///
    /// # Cancellation
    ///
    /// The cache is closed at the first poll. Dropping the future only ends the
    /// wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::{
    ///     TokenCache, TokenError,
    ///     token::{IssuedToken, TokenErrorKind, source_fn},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), TokenError> {
    /// let hour = Duration::from_secs(3600);
    /// let cache = TokenCache::new(source_fn(move |_| async move {
    ///     Ok(IssuedToken::new("s3cr3t", hour))
    /// }));
    /// cache.close().await;
    /// let error = cache.token().await.unwrap_err();
    /// assert_eq!(error.kind(), TokenErrorKind::Closed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) {
        self.shared.close().await;
    }

    /// Does the same as [`close`](Self::close), without waiting.
    pub(crate) fn end(&self) {
        self.shared.end();
    }
}
