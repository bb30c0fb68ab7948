//! A [`TokenStore`](super::TokenStore) on Redis or Valkey.
//!
//! [`RedisStore`] does each operation by one Lua script, in one round trip. It keeps one
//! connection, which it makes when it is first used and again when it breaks; to build it needs
//! neither a runtime nor a server. Redis 6 or newer, or any Valkey.
//!
//! # Example
//!
//! ```no_run
//! use tower_genesys::store::{RedisStore, redis::RedisStoreErrorKind};
//!
//! # async fn example() -> Result<(), tower_genesys::BoxError> {
//! // The URL is in `REDIS_URL`.
//! let store = RedisStore::from_env()?;
//!
//! // Processes go on without a store. Whoever would rather know at the start asks:
//! if let Err(error) = store.check().await {
//!     match error.kind() {
//!         RedisStoreErrorKind::Unreachable => eprintln!("for now without Redis: {error}"),
//!         _ => return Err(error.into()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What is wrong with a setting is an error at once, which names the setting and does not show it:
//!
//! ```
//! use tower_genesys::store::{RedisStore, redis::RedisStoreErrorKind};
//!
//! let error = RedisStore::new("redis://:s3cr3t@host/production").unwrap_err();
//! assert_eq!(error.kind(), RedisStoreErrorKind::Url);
//! assert!(error.to_string().contains("the database is a number"));
//! assert!(!format!("{error:?}").contains("s3cr3t"));
//! ```
//!
//! # URLs
//!
//! | URL | |
//! |---|---|
//! | `redis://[[user]:password@]host[:port][/database]` | TCP; port 6379, database 0 |
//! | `rediss://…` | the same with TLS |
//! | `unix:///path[?db=…&user=…&pass=…]` | a socket |
//! | `…?protocol=resp3` | RESP3 instead of RESP2 |
//!
//! `valkey://`, `valkeys://` and `valkey+unix://` mean the same. What is special in a password is
//! written with `%`: `%40` for `@`, `%2F` for `/`, `%23` for `#`. An option that is not known is an
//! error.
//!
//! TLS trusts Mozilla's list of CAs, or the CAs given to [`ca_file`](RedisStoreBuilder::ca_file) or
//! [`ca_certificates`](RedisStoreBuilder::ca_certificates), and cannot be told to check nothing. It
//! takes the crypto provider that the process has chosen for rustls. In a process that has chosen
//! none, it makes ring the choice, for the whole process, when it first connects by `rediss://`:
//! install another one before that (`CryptoProvider::install_default`).
//!
//! # Rights
//!
//! The user needs these rights and no others. With a [prefix](RedisStoreBuilder::prefix) or a
//! database of one's own, `~tower-genesys:*` begins with that prefix, and `+select` comes along:
//!
//! ```text
//! ACL SETUSER genesys on >password ~tower-genesys:* -@all +eval +evalsha +get +set +del +pttl +time
//! ```
//!
//! [`RedisStore::check`] says which of them are missing.
//!
//! # Keys
//!
//! `tower-genesys:1:{‹key›}:‹what›`: the prefix, the version of the format, the
//! [`StoreKey`](super::StoreKey) in hexadecimal digits, which keeps all four on one node of a
//! cluster, and
//!
//! | what | holds | lives for |
//! |---|---|---|
//! | `token` | fence, fingerprint, lifetime, and the value as it was given | the rest of the token's life |
//! | `lease` | owner and fence | the lease |
//! | `cooldown` | nothing | the cooldown |
//! | `fence` | the last fence | two days longer than the token |
//!
//! Each of them may be deleted or evicted at any time: that costs one token request at most. What
//! is there and cannot be read, of whatever type, is as if it were not, and the next publication
//! replaces it.
//!
//! A server that loses writes in a failover loses what it loses: fences go on by its clock. A Redis
//! Cluster is reached through an endpoint that forwards commands; the store follows no `MOVED`.
//!
//! # Cloning
//!
//! A clone shares the connection.
//!
//! # Errors
//!
//! | error | when |
//! |---|---|
//! | `Unavailable` | no connection; a replica, no memory, still loading, a script that does not end |
//! | `Timeout` | the connection broke, or nothing came back for a second |
//! | `Denied` | login refused, rights missing, scripts switched off |
//!
//! A script whose connection breaks is sent once more on a new one. Where that fails, the next
//! operation tries again, at once unless the last attempt is less than 100 ms old. No message
//! repeats what the server said: some servers quote the command that they refuse, and so the
//! password.
//!
//! # Cancellation
//!
//! An operation that is dropped takes its connection with it, as the server may have gone silent;
//! those of others that are on the way there are finished. A connection that is just being made is
//! finished too, within a second, and serves the next operation.

mod address;
mod builder;
mod check;
mod error;
mod failure;
mod keys;
mod link;
mod refusal;
mod reply;
mod script;
mod store;

pub use builder::RedisStoreBuilder;
pub use error::{RedisStoreError, RedisStoreErrorKind};
pub use store::RedisStore;
