//! A [`TokenStore`](super::TokenStore) on Redis or Valkey.
//!
//! Use it for a fleet of processes on several machines. [`RedisStore`] runs
//! each operation as one Lua script, in one round trip. It keeps one
//! connection, connects when it is first used, and reconnects when the
//! connection breaks. Building it needs neither a runtime nor a server.
//!
//! It supports three topologies: a single server, a primary with replicas under
//! Redis Sentinel, and (feature `redis-cluster`) a Redis Cluster. The tests run
//! all three on Redis 6.2, Redis 7.0 and Valkey 9. Redis 8, KeyDB, Dragonfly
//! and the managed services themselves are untested.
//!
//! # Example
//!
//! ```no_run
//! use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
//!
//! # async fn example() -> Result<(), tower_genesys::BoxError> {
//! // The URL is in `REDIS_URL`.
//! let store = RedisStore::from_env()?;
//!
//! // A process also works without the store. To find faults at the start:
//! if let Err(error) = store.check().await {
//!     match error.kind() {
//!         RedisStoreErrorKind::Unreachable => {
//!             eprintln!("continuing without Redis: {error}");
//!         }
//!         _ => return Err(error.into()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An invalid setting is an error when the store is built. The message names
//! the setting and never shows its value:
//!
//! ```
//! use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
//!
//! let error = RedisStore::new("redis://:s3cr3t@host/production").unwrap_err();
//! assert_eq!(error.kind(), RedisStoreErrorKind::Url);
//! assert!(error.to_string().contains("the database is a number"));
//! assert!(!format!("{error:?}").contains("s3cr3t"));
//! ```
//!
//! # URLs
//!
//! | URL | leads to |
//! |---|---|
//! | `redis://user:password@host:6379/0` | one server; defaults: port 6379, database 0, no login |
//! | `rediss://:password@host` | the same with TLS, as the default user |
//! | `unix:///run/redis.sock?db=0&user=user&pass=password` | one server, through a socket |
//! | `redis-sentinel://user:password@one:26379,two,three/name/0` | the primary that Sentinels know by this name; the login and the database are the server's |
//! | `redis-sentinel://one/name?sentinel_user=user&sentinel_password=password` | the same, with a login for the Sentinels |
//! | `rediss-sentinel://one,two,three/name` | the same with TLS, for Sentinels and servers |
//! | `redis-cluster://user:password@one:6379,two` | a cluster, through any of these nodes (feature `redis-cluster`) |
//! | `rediss-cluster://one` | the same with TLS |
//! | `redis://host?protocol=resp3` | RESP3 instead of RESP2, in all forms |
//!
//! `valkey`, `valkeys` and `valkey+unix` mean the same as `redis`, `rediss` and
//! `unix`; a `+` may stand for the `-` in front of `sentinel` and `cluster`.
//! Percent-encode special characters in a password: `%40` for `@`, `%2F` for
//! `/`, `%23` for `#`. An unknown option is an error.
//!
//! # Environment
//!
//! [`RedisStore::from_env`] reads these variables.
//! [`builder_from_env`](RedisStore::builder_from_env) takes another name for
//! the URL, and the others follow it: `CACHE_URL` and `CACHE_TLS_CA`, for
//! example.
//!
//! | variable | contains |
//! |---|---|
//! | `REDIS_URL` | the URL |
//! | `REDIS_TLS_CA` | the CAs to trust, as PEM or as the path of a PEM file |
//! | `REDIS_TLS_CERT`, `REDIS_TLS_KEY` | the client certificate and its private key, as PEM or as paths |
//! | `REDIS_SENTINEL_USER`, `REDIS_SENTINEL_PASSWORD` | the login for the Sentinels; without a user, the default user logs in |
//!
//! # TLS
//!
//! Certificates are always verified. The store trusts Mozilla's list of CAs,
//! unless [`ca_file`](RedisStoreBuilder::ca_file) or
//! [`ca_certificates`](RedisStoreBuilder::ca_certificates) names others, or
//! [`system_ca_certificates`](RedisStoreBuilder::system_ca_certificates) those
//! that the system trusts, as in a network with its own CAs. If the server
//! requires a client certificate (`tls-auth-clients`), give it to
//! [`client_certificate_files`](RedisStoreBuilder::client_certificate_files) or
//! [`client_certificate`](RedisStoreBuilder::client_certificate).
//!
//! Sentinels and cluster nodes announce the addresses of servers. The servers'
//! certificates must contain these addresses: set `replica-announce-ip` and
//! `sentinel announce-hostnames`, or `cluster-announce-hostname`.
//!
//! TLS uses the crypto provider that the process has installed for rustls. If
//! none is installed when the store first connects with TLS, the store installs
//! one for the whole process: that of the feature `ring` (a default) or
//! `aws-lc-rs`. To use another provider, install it before the store is built
//! (`CryptoProvider::install_default`). With neither feature and no installed
//! provider, [`build`](RedisStoreBuilder::build) fails with
//! [`RedisStoreErrorKind::CryptoProvider`].
//!
//! # Topologies
//!
//! | | server | Sentinel | cluster |
//! |---|---|---|---|
//! | the connection breaks | reconnects, and sends the script once more | asks the Sentinels again first | asks the nodes for their hash slots again first |
//! | the server becomes a replica | resolves the name in the URL again | asks the Sentinels again, within the same operation | follows the redirection, within the same operation |
//! | the server dies | fails until it is back | fails until the Sentinels have promoted a replica | fails until the nodes have promoted a replica; keys on other nodes work again once the dead node is known |
//! | a hash slot moves | | | follows it; operations on it fail while its keys are being moved, usually for milliseconds |
//! | a node is silent | | | closes the connections to all nodes, and connects again; so an operation on another node may time out, once |
//! | a primary was demoted, and does not know it yet | | | may read the old node's token until the first write, which finds the new primary |
//!
//! An operation that fails never makes a request fail: see
//! [`store`](crate::store#when-the-store-fails). A primary that dies may lose
//! its latest writes, which costs at most one token request: fences continue
//! from the clock of the new primary.
//!
//! The store asks all Sentinels of the URL at the same time and follows the
//! majority, so one Sentinel that was cut off cannot lead it to an old primary.
//! It then checks that the server does not call itself a replica. Of a cluster,
//! the store remembers the nodes that it has seen, in case those of the URL are
//! gone.
//!
//! # Rights
//!
//! The Redis user of the store needs these rights and no others. If you set
//! another [prefix](RedisStoreBuilder::prefix), write it instead of
//! `tower-genesys`. For a database other than 0, add `+select`.
//!
//! ```text
//! ACL SETUSER genesys on >password ~tower-genesys:* -@all +eval +evalsha +get +set +del +pttl +time
//! ```
//!
//! On a Redis Cluster, create the user on every node, with the commands that
//! find and follow the hash slots:
//!
//! ```text
//! ACL SETUSER genesys on >password ~tower-genesys:* -@all +eval +evalsha +get +set +del +pttl +time +cluster|slots +ping +readonly +asking
//! ```
//!
//! [`RedisStore::check`] names the commands that are missing. For a shared
//! [`Limit`](crate::store::Limit) the user also needs these;
//! [`RedisStore::check_limit`] names the missing ones:
//!
//! ```text
//! ACL SETUSER genesys +hmget +hset +pexpire +zadd +zcard +zcount +zrange +zrangebyscore +zrem +zremrangebyscore +zscore
//! ```
//!
//! # Keys
//!
//! A key is `tower-genesys:1:{‹key›}:‹name›`: the prefix, the version of the
//! format, the [`StoreKey`](super::StoreKey) in hexadecimal digits, and a name
//! from the table. The braces are a hash tag: a cluster keeps all keys of one
//! token in one hash slot.
//!
//! | name | contains | expires after |
//! |---|---|---|
//! | `token` | fence, fingerprint, lifetime, and the value unchanged | the rest of the token's lifetime |
//! | `lease` | owner and fence | the time of the lease |
//! | `cooldown` | nothing | the cooldown |
//! | `fence` | the last fence | two days longer than the token |
//! | `slots` | for a shared limit: the slots of the last minute, and those to come | two minutes after the last slot |
//! | `owners`, `paid` | for a shared limit: the active processes, and the time up to which each has received its share | the same |
//! | `book` | for a shared limit: the limit, the time of the next slot, and the end of the last `Retry-After` | the same |
//!
//! You may delete or evict each key at any time, at the cost of at most one
//! token request. The store treats an unreadable value, of any type, as
//! missing, and the next publication replaces it.
//!
//! # Cloning
//!
//! A clone shares the connection.
//!
//! # Errors
//!
//! Building and checking a store return a [`RedisStoreError`]. In operation,
//! the observer of the [`Sharing`](crate::Sharing) gets a
//! [`StoreError`](super::StoreError) of one of these kinds:
//!
//! | kind | cause |
//! |---|---|
//! | `Unavailable` | no connection; the server is a replica, out of memory, still loading, or blocked by a script |
//! | `Timeout` | the connection broke, or the server was silent for a second |
//! | `Denied` | login or client certificate rejected, rights missing, scripts disabled, a server of another kind than the URL says |
//!
//! If a connection breaks, the store sends the script once more on a new one.
//! If that fails, too, the next operation connects again, 100 milliseconds
//! after the last attempt at the earliest. Messages never repeat the server's
//! words, because some servers quote the command that they refuse, and with it
//! the password.
//!
//! # Cancellation
//!
//! Dropping an operation that waits for its answer closes the connection,
//! because the server may be silent. Other operations in flight on that
//! connection finish first. Dropping an operation that waits for a connection
//! leaves the attempt to connect alone: it ends within two seconds, and serves
//! the next operation.

mod attempt;
mod book;
mod builder;
mod check;
mod connection;
mod error;
mod failure;
mod finding;
mod link;
mod refusal;
mod reply;
mod script;
mod store;
mod topology;
mod variables;

pub use builder::RedisStoreBuilder;
pub use error::{RedisStoreError, RedisStoreErrorKind};
pub use store::RedisStore;
