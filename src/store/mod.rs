//! One token for many processes.
//!
//! Every process that fetches its own token adds load: Genesys throttles an
//! OAuth client that mints too many, and its oldest tokens stop working. With a
//! [`TokenStore`] that all processes reach, one of them fetches a token and all
//! use it.
//!
//! To share tokens, pass a [`Sharing`] to the builder of the organisation. It
//! names the store and the form of the tokens in it:
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{
//!     Credentials, Org, Sharing, store::MemoryStore, testing::MockGenesys,
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
//! let store = MemoryStore::new(); // for a store that processes share
//! let process = || {
//!     let (id, secret) = (mock.client_id(), mock.client_secret());
//!     Org::builder(mock.region())
//!         .credentials(Credentials::new(id, secret)?)
//!         .share(Sharing::unsealed(store.clone()))
//!         .build(mock.http_client())
//! };
//! let (one, other) = (process()?, process()?);
//! let (one, other) = (one.tokens(), other.tokens());
//! let (one, other) = tokio::join!(one.token(), other.token());
//! assert_eq!(one?.expose(), other?.expose());
//! assert_eq!(mock.token_posts(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! | store | for | feature |
//! |---|---|---|
//! | `RedisStore` | a fleet of processes | `redis` |
//! | `FileStore` | the programs of one user on one machine | `file` |
//! | `DynamoDbStore`, in the package `tower-genesys-dynamodb` | serverless functions | |
//! | [`MemoryStore`] | tests | |
//! | your own | another database: see [`TokenStore`] | |
//!
//! # What happens
//!
//! A process asks the store only when it needs a token. While its token is
//! valid, a request costs the same as without a store. The content of the store
//! decides what the process does:
//!
//! | the store has | the process |
//! |---|---|
//! | a usable token | uses it |
//! | no token | takes the *lease* for 10 seconds, requests a token for at most 9, and publishes it |
//! | no token, and another process has the lease | asks the store again after a tenth to a quarter of a second, until its deadline |
//! | no token, and a third process in a row has the lease | requests a token without the store, because the leaders seem to get tokens but cannot publish them |
//! | a cooldown, because the token endpoint asked for a pause | waits, if the wait fits its deadline; otherwise its callers get that error |
//! | an unusable value | acts as if there were no token, and emits an event |
//!
//! Each token has a [`Fence`], a number that the store increments; the higher
//! one is newer. The store's clock alone decides when a token expires, so the
//! clocks of the processes may differ. A process that gets a 401 names the
//! refused token by its [`Fingerprint`](crate::token::Fingerprint). If fifty
//! processes get a 401, one of them fetches a new token, or all use a newer one
//! that exists already.
//!
//! If a process with the lease is killed, another one takes over when the lease
//! ends. If it is frozen and wakes up after that, it publishes too late, and
//! uses the token of the other process.
//!
//! # When the store fails
//!
//! A store that fails never makes a request fail. This is what a failure costs:
//!
//! | event | cost |
//! |---|---|
//! | an operation fails, or takes more than 150 milliseconds (2 seconds for a `FileStore`) | that time, once; its outcome counts as unknown |
//! | right after that | nothing: for half a minute, callers do not ask the store |
//! | a token is due | nothing: the process waits for the store in the background, until 5 minutes before expiry |
//! | a process has no token | one request without the store, at most once in 10 seconds |
//! | a process is without the store | nothing: it looks for the others in the background every 5 to 20 seconds, while it is used |
//! | the store is back | nothing: the process uses the token there, or publishes its own |
//! | the store has lost everything | one request, when a process next needs a token |
//! | the store refuses writes | nothing: the process uses its token, and shares it later |
//!
//! # Customising
//!
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share) shares tokens of
//! the grant `client_credentials`. For another source, put a [`SharedSource`]
//! with a [`StoreKey`] between the source and its
//! [`TokenCache`](crate::TokenCache). A grant that each request uses up, such
//! as a rotating refresh token, cannot be shared.
//!
//! [`Sharing::with_namespace`] separates staging and production on one server.
//! [`OrgBuilder::limit`](crate::genesys::OrgBuilder::limit) lets the processes
//! share a rate limit, too: see [`book`]. [`Sharing::with_observer`] reports
//! events, and [`Metrics`](crate::metrics) counts them.
//!
//! For another store, implement the three operations of [`TokenStore`], and
//! check them with the macro `store_conformance!` (feature `testing`).
//!
//! # Sealing
//!
//! Administrators, backups and intruders can read a store. With the feature
//! `seal` and `Sharing::sealed`, they find only encrypted values:
//! XChaCha20-Poly1305, with a random nonce for each value. The encryption also
//! authenticates the format, the key's id, the [`StoreKey`], the fence, the
//! fingerprint and the lifetime, so no one can move or renumber a token, or
//! extend its lifetime. The store reports the remaining lifetime, which is
//! capped at the full lifetime. Plain text must be requested by name, with
//! `Sharing::unsealed`.
//!
//! Anyone who can write to the store can delete tokens, force each process to
//! fetch its own, and delay processes that have no token by setting leases or
//! cooldowns. Implausible leases and cooldowns are ignored. Grant the processes
//! the rights that the store's documentation lists, and grant others none.
//!
//! XChaCha20-Poly1305 is not FIPS approved, and `seal` has no other cipher; the
//! crypto provider of TLS does not change that. Where FIPS is required, use
//! `Sharing::unsealed` with a store that encrypts its disks with a validated
//! module.
//!
//! # Key rotation
//!
//! A process seals with the first key of its ring, and opens with every key. To
//! replace the key, deploy three rings in turn. Before the last deployment,
//! wait for at least one renewal:
//!
//! 1. `old,new`: all processes can open values sealed with the new key;
//! 2. `new,old`: the new key seals;
//! 3. `new`: the old key is gone.
//!
//! None of these deployments costs a request. If you replace the key in one
//! deployment, no request fails. But processes with the old key and processes
//! with the new one replace each other's tokens, and each such change that gets
//! a token costs one request.
//!
//! # Errors
//!
//! Callers get the errors of the source. A [`StoreError`] goes to the observer
//! and the log, and never to a caller. An invalid setting is a
//! [`ConfigError`](crate::genesys::ConfigError).
//!
//! # Cancellation
//!
//! If a renewal is dropped, a separate task returns its lease. If no runtime
//! exists, if the runtime ends first, or if the process is killed, the other
//! processes wait until the lease ends. So after
//! [`close`](crate::TokenCache::close), let the runtime run for a moment.

pub mod book;
mod entry;
mod envelope;
mod error;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub mod file;
mod key;
mod memory;
#[cfg(all(test, stateright))]
mod model;
mod observer;
mod operation;
mod record;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis;
#[cfg(feature = "seal")]
mod seal;
mod shareable;
pub(crate) mod sharing;
mod source;
mod token_store;

pub use book::limit::Limit;
pub use entry::{Entry, Fence, Lease, Owner};
pub use error::{StoreError, StoreErrorKind};
pub use key::StoreKey;
pub use memory::{Fault, MemoryStore};
pub use observer::{StoreEvent, StoreObserver};
pub use operation::{Operation, StoreFuture};
pub use record::{Record, Span};
#[cfg(feature = "seal")]
#[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
pub use seal::{KeyRing, SealKey};
pub use shareable::{Keyed, ShareableSource};
pub(crate) use sharing::Sharing;
pub use source::SharedSource;
pub use token_store::{Claim, Lookup, Publication, TokenStore};
