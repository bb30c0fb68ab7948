//! One token for many processes.
//!
//! Each process that gets tokens of its own counts: an OAuth client that mints too many is
//! throttled, and its oldest tokens stop working. With a [`TokenStore`] that all processes reach,
//! one of them asks, and all of them use what it got. [`SharedSource`] goes between the
//! [`TokenCache`](crate::TokenCache) of a process and its source; [`Sharing`] says over which
//! store, and in which form.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{Credentials, Org, Sharing, store::MemoryStore, testing::MockGenesys};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::new(); // stands for Genesys Cloud and for your HTTP client
//! let store = MemoryStore::new(); // stands for one that processes share
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
//! While the token of a process is valid, the store is not asked: a hit costs what it costs without
//! one.
//!
//! # What happens
//!
//! | the store has | the process |
//! |---|---|
//! | a token that does | uses it |
//! | none | gets a lease for 10 seconds, asks the token endpoint for at most 8, and publishes |
//! | none, and another process has the lease | looks again after a tenth to a quarter of a second, until its deadline |
//! | none, and a third one has the lease, after two that got nothing | asks the endpoint alone: one of those who lead may get a token, but not give it to the others |
//! | a cooldown: the endpoint wants to be left alone | waits, when that fits its deadline; else says so to its callers |
//! | something that cannot be used | as if there were none, with an event |
//!
//! Which token is newer, a [`Fence`] says, which the store counts up; how long one lives, the
//! store's clock alone. So the clocks of the processes may differ. Which token was refused by the
//! API, a [`Fingerprint`](crate::token::Fingerprint) says: of fifty processes that get a 401, one asks, or
//! none if there is a newer one.
//!
//! When a process that leads is killed, another one takes over when its lease is over. When it is
//! frozen, and wakes up after that, its publication comes too late, and it takes the token of the
//! other one.
//!
//! # When the store fails
//!
//! It is there to save requests, and never the reason for a failed one.
//!
//! | what | costs |
//! |---|---|
//! | an operation fails, or takes more than 150 milliseconds (2 seconds for a `FileStore`) | that time, once; its outcome counts as unknown |
//! | right after that | nothing: callers do not ask the store for half a minute |
//! | a token is due | waits for the store in the background, until 5 minutes before the end |
//! | there is no token | the process asks the endpoint alone, once in 10 seconds at most |
//! | a process is alone | looks for the others in the background each 5 to 20 seconds, while it is used |
//! | the store is back | uses what is there, or publishes its own: no request |
//! | it has lost everything | one request, when a process next needs a token |
//! | it refuses to be written to | the token is used, and shared later |
//!
//! # Customising
//!
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share) is for the grant `client_credentials`.
//! Another source is wrapped by [`SharedSource::new`], under a [`StoreKey`] of its own. Tokens of
//! grants that are spent by each request, such as rotating refresh tokens, cannot be shared.
//!
//! [`Sharing::with_namespace`] keeps apart staging and production on one server,
//! [`Sharing::with_observer`] tells what happens, and [`Metrics`](crate::metrics) counts it.
//!
//! `FileStore` (feature `file`) is for programs on one machine, `RedisStore` (feature `redis`) for
//! a fleet. Another store is an implementation of [`TokenStore`], three operations, which the macro
//! `store_conformance!` (feature `testing`) proves.
//!
//! # Sealing
//!
//! What is in a store is read by administrators, backups and whoever gets at it. With the feature
//! `seal` and `Sharing::sealed` it is no token: XChaCha20-Poly1305, with a random nonce for each.
//! What is around it is authenticated: the format, the key's id, the [`StoreKey`], the fence, the
//! fingerprint and the life, so that no token can be moved, renumbered or made to live longer. What
//! remains of its life, the store says, and it is never taken for more than the whole.
//! `Sharing::unsealed` has to be asked for by name.
//!
//! Whoever can write to the store can take tokens away, have each process get its own, and hold
//! processes without a token up with leases and cooldowns, of which those that no process would set
//! are not believed. Grant to the processes what the store's documentation lists, and nothing to
//! others.
//!
//! # Key rotation
//!
//! Each step is a deployment, process by process, with at least one renewal before the last one:
//!
//! 1. `old,new`: all can open what the new key seals;
//! 2. `new,old`: the new key seals;
//! 3. `new`: the old one is gone.
//!
//! None of them costs a request. To replace the key in one step costs a request for each change
//! between processes of the two keys that gets a token, and no error.
//!
//! # Errors
//!
//! Those of the source, and of setting up: [`SharingError`]. A [`StoreError`] goes to the observer
//! and the log, and never to a caller.
//!
//! # Cancellation
//!
//! A renewal that is dropped gives its lease back in a task of its own. Without a runtime, when
//! that ends first, and when the process is killed, the others wait until it is over: after
//! [`close`](crate::TokenCache::close), leave the runtime a moment.

pub mod book;
mod entry;
mod envelope;
mod error;
mod failure;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub mod file;
mod key;
mod memory;
#[cfg(all(test, stateright))]
mod model;
mod observer;
mod operation;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis;
#[cfg(feature = "seal")]
mod seal;
mod shareable;
pub(crate) mod sharing;
mod sharing_error;
mod slot;
mod source;
mod token_store;

pub use book::limit::Limit;
pub use entry::{Entry, Fence, Lease, Owner};
pub use error::{StoreError, StoreErrorKind};
pub use key::StoreKey;
pub use memory::{Fault, MemoryStore};
pub use observer::{StoreEvent, StoreObserver};
pub use operation::Operation;
#[cfg(feature = "seal")]
#[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
pub use seal::{KeyRing, SealKey};
pub use shareable::{Keyed, ShareableSource};
pub(crate) use sharing::Sharing;
pub use sharing_error::{SharingError, SharingErrorKind};
pub use source::SharedSource;
pub use token_store::{Claim, Lookup, Publication, StoreFuture, TokenStore};
