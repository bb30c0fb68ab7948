//! One token for many processes.
//!
//! Every process that fetches its own token adds load: Genesys throttles an
//! OAuth client that mints too many, and its oldest tokens stop working. With a
//! [`TokenStore`] that all processes reach, one of them fetches a token and all
//! use it. [`SharedSource`] goes between the [`TokenCache`](crate::TokenCache)
//! of a process and its source. [`Sharing`] names the store and the form of the
//! tokens in it.
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
//!     Org::builder(mock.region())
//!         .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!         .share(Sharing::unsealed(store.clone()))
//!         .build(mock.http_client())
//! };
//! let (one, other) = (process()?, process()?);
//! let (one, other) = tokio::join!(one.tokens().token(), other.tokens().token());
//! assert_eq!(one?.expose(), other?.expose());
//! assert_eq!(mock.token_posts(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! While the token of a process is valid, the process does not ask the store: a
//! hit costs the same as without one.
//!
//! # What happens
//!
//! | the store has | the process |
//! |---|---|
//! | a usable token | uses it |
//! | no token | gets a lease for 10 seconds, asks the token endpoint for at most 8, and publishes the token |
//! | no token, and another process has the lease | looks again after a tenth to a quarter of a second, until its deadline |
//! | no token, and a third process in a row holds the lease | asks the endpoint by itself: a leader may be able to get tokens, but not to publish them |
//! | a cooldown: the endpoint wants to be left alone | waits, if the wait fits its deadline; otherwise it fails its callers with that error |
//! | an unusable value | acts as if there were no token, and emits an event |
//!
//! Each token has a [`Fence`], a number that the store increments; the higher
//! one is newer. Expiry is judged by the store's clock only, so the clocks of
//! the processes may differ. A [`Fingerprint`](crate::token::Fingerprint)
//! identifies a token that the API refused: of fifty processes that get a 401,
//! one fetches a token, or none if a newer one exists.
//!
//! If a leading process is killed, another one takes over when the lease ends.
//! If it is frozen and wakes up after that, its publication comes too late, and
//! it takes the token of the other process.
//!
//! # When the store fails
//!
//! The store saves requests and never causes a failed one.
//!
//! | event | cost |
//! |---|---|
//! | an operation fails, or takes more than 150 milliseconds (2 seconds for a `FileStore`) | that time, once; its outcome counts as unknown |
//! | right after that | nothing: for half a minute, callers do not ask the store |
//! | a token is due | the process waits for the store in the background, until 5 minutes before expiry |
//! | there is no token | the process asks the endpoint by itself, at most once in 10 seconds |
//! | a process is without the store | it looks for the others in the background every 5 to 20 seconds, while it is used |
//! | the store is back | the process uses the token there, or publishes its own: no request |
//! | the store has lost everything | one request, when a process next needs a token |
//! | the store refuses writes | the process uses its token, and shares it later |
//!
//! # Customising
//!
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share) shares tokens of
//! the grant `client_credentials`. For another source, use
//! [`SharedSource::new`] with its own [`StoreKey`]. A grant that each request
//! uses up, such as a rotating refresh token, cannot be shared.
//!
//! [`Sharing::with_namespace`] separates staging and production on one server,
//! [`Sharing::with_observer`] reports events, and [`Metrics`](crate::metrics)
//! counts them.
//!
//! `FileStore` (feature `file`) is for programs on one machine, `RedisStore`
//! (feature `redis`) for a fleet. For another store, implement the three
//! operations of [`TokenStore`], and check them with the macro
//! `store_conformance!` (feature `testing`).
//!
//! # Sealing
//!
//! Administrators, backups and intruders read what is in a store. With the
//! feature `seal` and `Sharing::sealed`, they find no token but a value
//! encrypted with XChaCha20-Poly1305, under a random nonce each. The format,
//! the key's id, the [`StoreKey`], the fence, the fingerprint and the lifetime
//! are authenticated, so that no one can move or renumber a token, or extend
//! its lifetime. The store reports the remaining lifetime, which is capped at
//! the full lifetime. `Sharing::unsealed` must be requested by name.
//!
//! Anyone who can write to the store can delete tokens, force each process to
//! fetch its own, and delay processes that have no token by setting leases or
//! cooldowns. Implausible leases and cooldowns are ignored. Grant the processes
//! the rights that the store's documentation lists, and grant others none.
//!
//! XChaCha20-Poly1305 is not FIPS approved, and `seal` has no other cipher; the
//! crypto provider of TLS does not change that. Where FIPS is required, use
//! `Sharing::unsealed` with a store that encrypts its disks by a validated
//! module.
//!
//! # Key rotation
//!
//! Each step is a deployment, process by process, with at least one renewal
//! before the last one:
//!
//! 1. `old,new`: all processes can open values sealed with the new key;
//! 2. `new,old`: the new key seals;
//! 3. `new`: the old key is gone.
//!
//! No step costs a request. If you replace the key in one step, no request
//! fails, but the store changes hands between processes with the old and the
//! new key, and each change that gets a token costs one request.
//!
//! # Errors
//!
//! Those of the source, and [`ConfigError`] from setting up. A [`StoreError`]
//! goes to the observer and the log, and never to a caller.
//!
//! # Cancellation
//!
//! A renewal that is dropped gives its lease back in a separate task. If there
//! is no runtime, if the runtime ends first, or if the process is killed, the
//! other processes wait until the lease ends. So after
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
