//! Access tokens: their sources, and the cache that keeps one valid.
//!
//! Three roles, from the outside in:
//!
//! - A [`TokenProvider`] gives a layer the current token for each request, at
//!   once if the token is there. [`TokenCache`] is the provider for all usual
//!   cases. [`FixedToken`] is for tests, and for a token that other code looks
//!   after.
//! - A [`TokenCache`] keeps one token valid. It renews the token early, or
//!   after a 401, once for all who wait.
//! - A [`TokenSource`] fetches a token: one request, no cache, no retry. The
//!   grants of the Genesys token endpoint are in
//!   [`genesys::grants`](crate::genesys::grants). For a vault or another
//!   service, implement the trait in a few lines, or pass a closure to
//!   [`source_fn`].
//!
//! # A token's life
//!
//! ```text
//!   token requested                                               time
//!   ├──────── fresh ────────┬──────── due ───────┬──── expired ────►
//!                           early renewal        margin before expiry
//!   └─── a reported 401 makes a fresh or due token refused ──┘
//!
//!           │ idle          │ renewing │ cooldown: the   │ damped: new
//!           │               │          │ endpoint failed │ tokens refused
//!   ────────┼───────────────┼──────────┼─────────────────┼────────────────
//!   fresh   │ token         │ token    │ token           │ token
//!   due     │ token, renews │ token    │ token           │ token, renews
//!   refused │ renews, waits │ waits    │ token, gets 401 │ token, gets 401
//!   expired │ renews, waits │ waits    │ error at once   │ renews, waits
//! ```
//!
//! The row is the state of the token, the column the state of the cache, and
//! the cell is what a caller gets. *Renews* starts one renewal in the
//! background; *waits* waits for its result; *gets 401*: the caller gets the
//! refused token, and its request another 401. A token counts as *expired* some
//! time (the margin) before its real expiry. A cache without a token is in the
//! row *expired*. Without [`keep_warm`](TokenCache::keep_warm) only a caller
//! starts a renewal, so an idle process renews at its next request.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use tower_genesys::{
//!     TokenCache, TokenError,
//!     token::{FetchContext, IssuedToken, TokenSource},
//! };
//!
//! struct Vault;
//!
//! impl TokenSource for Vault {
//!     async fn fetch(
//!         &self,
//!         _cx: FetchContext,
//!     ) -> Result<IssuedToken, TokenError> {
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
mod error_kind;
mod fixed;
mod issued;
pub(crate) mod lifetime;
mod observer;
mod provider;
mod source;
mod source_fn;

pub use access_token::{AccessToken, Generation};
pub(crate) use cache::Moment;
pub(crate) use cache::TokenCache;
pub use cache::{CacheSettings, CacheStatus, Invalidation, KeepWarm, TokenCacheBuilder, Wait};
pub(crate) use error::TokenError;
pub use error_kind::TokenErrorKind;
pub use fixed::FixedToken;
pub use issued::{Fingerprint, IssuedToken};
pub use observer::{TokenEvent, TokenObserver};
pub use provider::{Rejection, TokenProvider};
pub use source::{FetchContext, Reason, TokenSource};
pub use source_fn::{SourceFn, source_fn};
