//! One token for many processes.
//!
//! If every process fetches its own token, their OAuth client may request too
//! many. Genesys then throttles the client, and evicts its oldest tokens. With
//! a [`TokenStore`] that all processes reach, one process fetches a token and
//! all use it.
//!
//! To share tokens, pass a [`Sharing`] to
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share). The `Sharing`
//! names the store, and says whether the tokens in it are encrypted
//! ([sealed](#sealing)) or in plain text:
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
//! let mock = MockGenesys::new(); // replaces Genesys and your HTTP client
//! let store = MemoryStore::new(); // replaces a store that processes share
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
//! | `DynamoDbStore`, in the package `tower-genesys-dynamodb` | serverless functions | none |
//! | [`MemoryStore`] | tests | none |
//! | your own | another database: see [`TokenStore`] | none |
//!
//! # What happens
//!
//! While the token of a process is valid, its calls make no store operation,
//! and cost the same as without a store. The token cache of the process asks
//! the store when it fetches the first token, and when it renews one:
//!
//! | the process asks the store if | meanwhile, its calls |
//! |---|---|
//! | it has no valid token, and a call needs one | wait for the token |
//! | the API has refused its token with a 401 | wait for a newer token |
//! | its token is due for renewal: by default 10 to 15 minutes before it expires | use the current token |
//! | the program has asked for a newer token, with [`invalidate`](crate::TokenCache::invalidate) | use the current token |
//! | it is [without the store](#when-the-store-fails), and checks whether the store is back | use the current token |
//!
//! In the last three cases, the store is asked by a renewal *in the
//! background*, for which no call waits. [`revoke`](crate::TokenCache::revoke)
//! also uses the store: it removes the token.
//!
//! The store lets one process at a time fetch the next token. The right to do
//! so is the *lease*, and the process that has it is the *leader*. A lease
//! lasts 10 seconds. The leader's token request may take 9 of them, which
//! leaves time to *publish* the token: to put it into the store. The other
//! processes that need a token wait for it. Each of them waits until the
//! *deadline* of its own renewal at the latest: 15 seconds after the renewal
//! began, by default ([`CacheSettings::with_deadline`]).
//!
//! A token in the store is *usable* for a process if it is newer than the token
//! that the process is renewing (if there is one), and does not expire within
//! 35 seconds (or a fifth of its lifetime, if that is shorter).
//!
//! | if the store has | the process |
//! |---|---|
//! | a usable token | uses it |
//! | no usable token, and no leader | becomes the leader, sends a token request, and publishes the token |
//! | no usable token, and another process as the leader | asks the store again every 50 to 250 milliseconds. At its deadline, the calls that wait get a `TimedOut` error |
//! | no usable token, and a third leader, after two that have published nothing while the process waited | does not wait for the third: sends a token request of its own, without a lease |
//! | no usable token, and a *cooldown*: a pause in which no process may send a token request | waits, if the cooldown ends at least two seconds before the deadline of the process's renewal. Otherwise, the calls that wait get a `Throttled` error at once |
//! | a value that the process cannot read: damaged, sealed with a key that it lacks, or in another format | reports [`StoreEvent::Missed`], and continues as if there were no token. The next token that is published replaces the value |
//!
//! A cooldown starts when the token request of a leader fails. It lasts as long
//! as the token endpoint asks, an hour at most. If the endpoint names no time,
//! the length is 10 seconds if the endpoint throttled the request, and 1 second
//! for any other failure of the endpoint or of the way to it. An error that
//! concerns the leader alone, such as a wrong secret, starts no cooldown.
//!
//! Each token has a [`Fence`], a number that the store increments: the token
//! with the higher fence is newer. The store's clock alone decides when a token
//! expires, so the clocks of the processes may differ.
//!
//! A process that gets a 401 asks the store for another token. It names the
//! refused token by its [`Fingerprint`](crate::token::Fingerprint), a digest.
//! Suppose that fifty processes get a 401 for the same token. If the store has
//! a newer token already, all fifty use that one. If not, one of them fetches
//! it for all.
//!
//! If the leader is killed, another process leads when the lease ends. If the
//! leader freezes, and wakes up after another process has published a newer
//! token, it uses the newer one.
//!
//! # When the store fails
//!
//! With the default deadline, and while the token endpoint works, no failure of
//! the store makes a call fail. If the store fails, a process that needs a
//! token requests its own. From then on it is *without the store*, until it has
//! a shared token again:
//!
//! | if | the process | at this cost |
//! |---|---|---|
//! | a store operation fails, or exceeds its time limit of 150 milliseconds (1 second for a `DynamoDbStore`, 2 seconds for a `FileStore`) | continues as if the store did not exist | the time of this operation |
//! | a call needs a token soon after a failure of the store: within a time that is chosen at random between 30 and 40 seconds | does not ask the store for this call. In this time, only renewals in the background ask it. When one of their operations succeeds, calls ask the store again | none: the call does not wait for the store |
//! | it needs a token and has no valid one | requests its own, at most once in 10 seconds. If a call needs another token within these 10 seconds, it waits. With a deadline below 12 seconds, that wait may be too long: then the call gets a `Throttled` error | one token request |
//! | its token is due for renewal | keeps the token, and asks the store in the background. 5 minutes before the token expires (or a sixth of its lifetime, if that is shorter), the process requests its own | none, until it requests its own: then one token request |
//! | it has a token of its own | looks for the shared token in the background every 5 to 20 seconds, as long as calls use its token | none |
//! | the store works again | uses the token in the store. If the store has none, it publishes its own | none |
//! | the store has lost its data | finds the store empty the next time that it needs a token, and continues as if there were no token | one token request for the whole fleet |
//! | the store grants it the lease, but publishing the token fails | uses the token, and publishes it later | none for this process. Until it has published the token, the next process that needs one sends a token request |
//!
//! The store may still execute an operation that has timed out. If that
//! operation asked for the lease, a separate task asks for the lease again, to
//! learn whether the store has granted it. If so, the task publishes the token
//! of the process, or returns the lease if the process has no token.
//!
//! # Customising
//!
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share) shares tokens of
//! the grant `client_credentials`. To share the tokens of another
//! [`TokenSource`](crate::token::TokenSource), wrap it in a [`SharedSource`]
//! with a [`StoreKey`], and build the [`TokenCache`](crate::TokenCache) on
//! that. A source whose token requests use something up, such as a rotating
//! refresh token, cannot be shared.
//!
//! With [`Sharing::with_namespace`], staging and production use one server, but
//! separate tokens. [`Sharing::with_lease`] sets the duration of a lease, and
//! [`Sharing::with_operation_timeout`] the time limit of an operation.
//! [`Sharing::with_observer`] reports events, and [`Metrics`](crate::metrics)
//! counts them.
//!
//! Processes can share a rate limit, too, with or without sharing a token: see
//! [`book`].
//!
//! For another database, implement [`TokenStore`], and check the implementation
//! with the macro `store_conformance!` (feature `testing`).
//!
//! # Sealing
//!
//! Administrators, backups and intruders can read a store. With the feature
//! `seal` and `Sharing::sealed`, they find only encrypted tokens:
//! XChaCha20-Poly1305, with a random nonce for each value. Tokens are in plain
//! text only if you ask for it by name, with `Sharing::unsealed`.
//!
//! The encryption also authenticates the format, the id of the sealing key, the
//! [`StoreKey`], the fence, the fingerprint and the full lifetime. So no one
//! can move a token to another key of the store, change its fence, or extend
//! its lifetime. Only the remaining lifetime is not authenticated, because the
//! store counts it down. It is capped at the full lifetime.
//!
//! Sealing does not protect against writers. Anyone who can write to the store
//! can delete tokens, force each process to fetch its own, and delay processes
//! that have no token by setting leases or cooldowns. A process ignores
//! implausible ones: a cooldown of more than two hours, and a lease that has
//! more than twice its usual duration left and would outlast the deadline of
//! the process's renewal. Grant the processes the rights that the store's
//! documentation lists, and grant others none.
//!
//! XChaCha20-Poly1305 is not FIPS approved, and `seal` has no other cipher,
//! whichever crypto provider you install for TLS. Where FIPS is required, use
//! `Sharing::unsealed` with a store that encrypts its disks with a validated
//! module.
//!
//! # Key rotation
//!
//! The keys of a process form a ring (`KeyRing`): the first key encrypts
//! (*seals*) tokens, and each key decrypts (*opens*) the tokens that were
//! sealed with it. To replace a key, deploy three rings, one after the other.
//! Start the second and the third deployment only when all processes have the
//! previous ring. Before the third, also wait for a renewal, so that the store
//! has no token under the old key: with a token of the default lifetime, that
//! takes a day at most.
//!
//! 1. `old,new`: all processes can open tokens sealed with the new key;
//! 2. `new,old`: the new key seals, and the old one opens what it has sealed;
//! 3. `new`: the old key is gone.
//!
//! None of these deployments costs a token request. If you deploy `new` at once
//! instead, no call fails. But until all processes have the new key, some
//! cannot open the tokens of others. Each process that finds such a token
//! replaces it, at the cost of one token request.
//!
//! # Errors
//!
//! Callers get the errors of the token source, and the two errors above:
//! `Throttled` and `TimedOut`
//! ([`TokenErrorKind`](crate::token::TokenErrorKind)). A [`StoreError`] goes to
//! the observer and the log. Only [`revoke`](crate::TokenCache::revoke) returns
//! a `StoreError`: as the cause of the error that its caller gets. An invalid
//! setting is a [`ConfigError`](crate::genesys::ConfigError).
//!
//! # Cancellation
//!
//! A renewal has its own task, so dropping calls does not cancel it. Only
//! [`close`](crate::TokenCache::close) and the end of the runtime do. If the
//! process is the leader then, a separate task returns the lease, and another
//! process leads at once. So let the runtime run for a moment after `close`. If
//! the runtime ends before the lease is returned, or if the process is killed,
//! the other processes wait until the lease ends.
//!
//! [`CacheSettings::with_deadline`]: crate::token::CacheSettings::with_deadline

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
