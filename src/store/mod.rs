//! One token for many processes.
//!
//! Every process that fetches its own token adds load: Genesys throttles an
//! OAuth client that mints too many tokens, and evicts the oldest ones. With a
//! [`TokenStore`] that all processes reach, one of them fetches a token and all
//! use it.
//!
//! To share tokens, pass a [`Sharing`] to the builder of the organisation. It
//! names the store, and decides whether the store has tokens in plain text or
//! encrypted ([sealed](#sealing)):
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
//! let (first, second) =
//!     tokio::join!(one.tokens().token(), other.tokens().token());
//! assert_eq!(first?.expose(), second?.expose());
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
//! valid, a request costs the same as without a store.
//!
//! The store gives one process at a time the *lease*: the right to fetch the
//! next token. This process is the leader. A lease lasts 10 seconds, and the
//! leader's token request 9 seconds at most, so that the leader can publish in
//! time.
//!
//! | the store has | the process |
//! |---|---|
//! | a usable token | uses it |
//! | no token | becomes the leader, requests a token, and publishes it |
//! | no token, and another process leads | asks the store again every 50 to 250 milliseconds, until the deadline of its renewal |
//! | no token, and the third leader during this wait | requests a token without the store, because two leaders have published none |
//! | a cooldown, because the token endpoint throttled or failed another process | waits, if a request fits in before its deadline; otherwise its callers get a `Throttled` error |
//! | an unusable value | emits an event, and continues as if there were no token |
//!
//! Each token has a [`Fence`], a number that the store increments; the higher
//! one is newer. The store's clock alone decides when a token expires, so the
//! clocks of the processes may differ.
//!
//! A process that gets a 401 asks the store for another token. It names the
//! refused token by its [`Fingerprint`](crate::token::Fingerprint), a digest.
//! If fifty processes get a 401 for one token, all use a newer token that the
//! store has already; if there is none, one of them fetches it for all.
//!
//! If the leader is killed, another process leads when the lease ends. If the
//! leader freezes and wakes up later, the store has a newer token by then, and
//! the late process uses that one.
//!
//! # When the store fails
//!
//! A store that fails never makes a request fail. The process then fetches its
//! own token, and is *without the store* until it has a shared token again:
//!
//! | event | cost |
//! |---|---|
//! | an operation fails, or takes more than 150 milliseconds (1 second for a `DynamoDbStore`, 2 seconds for a `FileStore`) | the time of this operation, whose outcome counts as unknown |
//! | a caller waits for a token in the next 30 to 40 seconds | no time: the process skips the store |
//! | the process has no token | one request without the store, at most once in 10 seconds |
//! | its token is due for renewal | nothing, until 5 minutes (or a sixth of a shorter lifetime) before expiry: it keeps the token, and asks the store in the background. After that, one request |
//! | the process has a token that the others do not have | nothing: it looks for the shared token in the background every 5 to 20 seconds, while it is used |
//! | the store works again | nothing: the process uses the token there, or publishes its own |
//! | the store has lost its data | one request, when a process next needs a token |
//! | the store grants a lease, and refuses the token | nothing: the process uses the token, and publishes it later |
//!
//! # Customising
//!
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share) shares tokens of
//! the grant `client_credentials`. For another source, wrap the source in a
//! [`SharedSource`] with a [`StoreKey`], and build the
//! [`TokenCache`](crate::TokenCache) on that. A grant that each request uses
//! up, such as a rotating refresh token, cannot be shared.
//!
//! [`Sharing::with_namespace`] separates staging and production on one server.
//! [`OrgBuilder::shared_limit`](crate::genesys::OrgBuilder::shared_limit) lets
//! the processes share a rate limit, too: see [`book`]. [`Sharing::with_observer`] reports
//! events, and [`Metrics`](crate::metrics) counts them.
//!
//! For another database, implement [`TokenStore`], and check the implementation
//! with the macro `store_conformance!` (feature `testing`).
//!
//! # Sealing
//!
//! Administrators, backups and intruders can read a store. With the feature
//! `seal` and `Sharing::sealed`, they find only encrypted tokens:
//! XChaCha20-Poly1305, with a random nonce for each value. The encryption also
//! authenticates the format, the key's id, the [`StoreKey`], the fence, the
//! fingerprint and the full lifetime, so no one can move or renumber a token,
//! or extend its lifetime. The remaining lifetime is the store's to report, and
//! is capped at the full lifetime. Tokens are in plain text only if you ask for
//! it by name, with `Sharing::unsealed`.
//!
//! Sealing does not protect against writers. Anyone who can write to the store
//! can delete tokens, force each process to fetch its own, and delay processes
//! that have no token by setting leases or cooldowns. Implausible leases and
//! cooldowns are ignored. Grant the processes the rights that the store's
//! documentation lists, and grant others none.
//!
//! XChaCha20-Poly1305 is not FIPS approved, and `seal` has no other cipher; the
//! crypto provider of TLS does not change that. Where FIPS is required, use
//! `Sharing::unsealed` with a store that encrypts its disks with a validated
//! module.
//!
//! # Key rotation
//!
//! The keys of a process form a ring: the first key seals, and every key opens.
//! To replace a key, deploy these three rings in turn. Between the second and
//! the third, wait for at least one renewal, so that the store has no token
//! under the old key:
//!
//! 1. `old,new`: all processes can open tokens sealed with the new key;
//! 2. `new,old`: the new key seals;
//! 3. `new`: the old key is gone.
//!
//! None of these deployments costs a request. If you replace the key in one
//! deployment, no request fails, but processes with different keys cannot open
//! each other's tokens. Until all have the new key, they replace each other's
//! tokens, and each replacement costs one token request.
//!
//! # Errors
//!
//! Callers get the errors of the token source. A [`StoreError`] goes to the
//! observer and the log, and never to a caller. An invalid setting is a
//! [`ConfigError`](crate::genesys::ConfigError).
//!
//! # Cancellation
//!
//! If the renewal of a leader is dropped, a separate task returns the lease. If
//! no runtime exists, if the runtime ends first, or if the process is killed,
//! the other processes wait until the lease ends. So after
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
