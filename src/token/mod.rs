//! Access tokens: where they come from, and how one is kept valid.
//!
//! Three roles, from the outside in:
//!
//! - [`TokenProvider`] is what a layer asks, for each request: the token of now, without waiting if
//!   there is one. [`TokenCache`] is the provider for everybody; [`FixedToken`] is one for tests
//!   and for tokens that somebody else looks after.
//! - [`TokenCache`] keeps one token valid: it renews it ahead of time, after a 401, and once for
//!   all who wait.
//! - [`TokenSource`] gets a token: one request, no cache, no retry. The grants of the Genesys token
//!   endpoint are in [`genesys`](crate::genesys); a vault or another service is a few lines, or a
//!   closure: [`source_fn`].
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use tower_genesys::{TokenCache, TokenError, token::{FetchContext, IssuedToken, TokenSource}};
//!
//! struct Vault;
//!
//! impl TokenSource for Vault {
//!     async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
//!         Ok(IssuedToken::new("s3cr3t", Duration::from_secs(3600)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), TokenError> {
//! let cache = TokenCache::new(Vault);
//! let token = cache.token().await?;
//! assert_eq!(token.expose(), "s3cr3t");
//! assert!(!format!("{token:?} {cache:?}").contains("s3cr3t"));
//! # Ok(())
//! # }
//! ```

mod access_token;
pub(crate) mod cache;
pub(crate) mod error;
mod fixed;
mod generation;
mod observer;
mod provider;
mod source;
mod source_fn;

pub use access_token::AccessToken;
pub(crate) use cache::Moment;
pub(crate) use cache::TokenCache;
pub use cache::{CacheSettings, CacheStatus, Invalidation, KeepWarm, TokenCacheBuilder, Wait};
pub(crate) use error::TokenError;
pub use error::TokenErrorKind;
pub use fixed::FixedToken;
pub use generation::Generation;
pub use observer::{TokenEvent, TokenObserver};
pub use provider::{Rejection, TokenProvider};
pub use source::{FetchContext, Fingerprint, IssuedToken, Reason, TokenSource};
pub use source_fn::{SourceFn, source_fn};
