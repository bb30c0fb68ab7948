use std::fmt;

use super::{FetchContext, IssuedToken, TokenError, TokenSource};

/// Creates a [`TokenSource`] from an async closure.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{
///     TokenCache, TokenError,
///     token::{IssuedToken, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// # #[derive(Clone)] struct Vault;
/// # impl Vault {
/// #     async fn token(&self) -> Result<&'static str, TokenError> {
/// #         Ok("s3cr3t")
/// #     }
/// # }
/// # let vault = Vault;
/// let hour = Duration::from_secs(3600);
/// let cache = TokenCache::new(source_fn(move |_cx| {
///     let vault = vault.clone(); // the future outlives the call
///     async move { Ok(IssuedToken::new(vault.token().await?, hour)) }
/// }));
/// assert_eq!(cache.token().await?.expose(), "s3cr3t");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A fetch returns the errors of the closure. Create them with
/// [`TokenError::new`]; the [kind](crate::token::TokenErrorKind) decides what
/// the cache does next.
///
/// # Cancellation
///
/// The cache drops the future of the closure at its deadline.
pub fn source_fn<F, Fut>(fetch: F) -> SourceFn<F>
where
    F: Fn(FetchContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<IssuedToken, TokenError>> + Send,
{
    SourceFn {
        fetch,
        login_host: None,
        repeatable: true,
    }
}

/// The [`TokenSource`] that [`source_fn`] returns.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::token::{IssuedToken, TokenSource, source_fn};
///
/// let hour = Duration::from_secs(3600);
/// let source = source_fn(move |_| async move {
///     Ok(IssuedToken::new("s3cr3t", hour))
/// });
/// let source = source
///     .with_login_host("vault.example.com")
///     .with_repeatable(false); // each request uses a one-time code up
/// assert_eq!(source.login_host(), Some("vault.example.com"));
/// assert!(!source.is_repeatable() && !source.may_overlap());
/// ```
#[derive(Clone)]
pub struct SourceFn<F> {
    fetch: F,
    login_host: Option<Box<str>>,
    repeatable: bool,
}

impl<F> SourceFn<F> {
    /// Sets the host of the token endpoint, for errors and log events. Default:
    /// none.
    #[must_use]
    pub fn with_login_host(mut self, host: impl Into<Box<str>>) -> Self {
        self.login_host = Some(host.into());
        self
    }

    /// Sets whether the cache may repeat a request whose outcome is unknown
    /// (sent, but not answered). Default: yes.
    #[must_use]
    pub fn with_repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }
}

impl<F, Fut> TokenSource for SourceFn<F>
where
    F: Fn(FetchContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<IssuedToken, TokenError>> + Send,
{
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        (self.fetch)(cx).await
    }

    fn login_host(&self) -> Option<&str> {
        self.login_host.as_deref()
    }

    fn is_repeatable(&self) -> bool {
        self.repeatable
    }
}

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFn")
            .field("login_host", &self.login_host)
            .field("repeatable", &self.repeatable)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::*;
    use crate::token::{TokenCache, TokenErrorKind};

    /// A source whose requests all end with an unknown outcome, and a count of
    /// them.
    fn broken() -> (impl Fn(FetchContext) -> Broken + Clone, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let fetch = move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Err(TokenError::new(TokenErrorKind::Transport, "broken")))
        };
        (fetch, calls)
    }

    type Broken = std::future::Ready<Result<IssuedToken, TokenError>>;

    #[tokio::test(start_paused = true)]
    async fn is_repeated_unless_told_otherwise() {
        for (repeatable, expected) in [(true, 3), (false, 1)] {
            let (fetch, calls) = broken();
            let source = source_fn(fetch).with_repeatable(repeatable);
            TokenCache::new(source).token().await.unwrap_err();
            assert_eq!(calls.load(Ordering::SeqCst), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn names_its_host_and_shows_nothing_else() {
        let secret = String::from("s3cr3t");
        let fetch = move |_| {
            let secret = secret.clone();
            async move { Ok(IssuedToken::new(secret, Duration::from_secs(60))) }
        };
        let source = source_fn(fetch).with_login_host("login.example");
        assert_eq!(source.login_host(), Some("login.example"));
        assert!(!format!("{source:?}").contains("s3cr3t"));
    }
}
