//! A [`TokenStore`](super::TokenStore) on Redis or Valkey, for a fleet of
//! processes on several machines.
//!
//! The processes share one token through a [`RedisStore`]. It can also keep the
//! [`book`](super::book) of a rate limit that they share.
//!
//! Each operation of the store, such as looking up the token, is one Lua
//! script. It takes one round trip, or two while the server does not know the
//! script yet. A store keeps one connection to its server (on a cluster, one to
//! each node). It connects at the first operation, and reconnects when the
//! connection breaks. Building a store needs neither a runtime nor a server.
//!
//! The URL selects one of three topologies: a single server; a primary with
//! replicas under Redis Sentinel; or, with the feature `redis-cluster`, a Redis
//! Cluster. The tests run each topology on Redis 6.2, Redis 7.0 and Valkey 9.
//! Nothing else was tested: not Redis 8, KeyDB or Dragonfly, and no managed
//! service. The guide lists the [usual URLs of managed
//! services](crate::guide::operating#settings-of-the-server).
//!
//! # Example
//!
//! ```no_run
//! use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
//!
//! # async fn example() -> Result<(), tower_genesys::BoxError> {
//! let store = RedisStore::from_env()?; // the URL is in `REDIS_URL`
//!
//! // Optional, to find faults at the start. If Redis is only unreachable, the
//! // process can start: it works without the store until Redis is back.
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
//! To share a token, put the store into a [`Sharing`](crate::Sharing), for
//! [`OrgBuilder::share`](crate::genesys::OrgBuilder::share). To share a limit,
//! pass the limit and the store to
//! [`OrgBuilder::shared_limit`](crate::genesys::OrgBuilder::shared_limit).
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
//! | this URL | leads to |
//! |---|---|
//! | `redis://user:password@host:6379/0` | one server. The default port is 6379, the default database 0; without user and password, the store does not log in |
//! | `rediss://:password@host` | one server, with TLS. Without a user, the password is that of the default user |
//! | `unix:///run/redis.sock?db=0&user=user&pass=password` | one server, through a socket |
//! | `redis-sentinel://user:password@one:26379,two,three/name/0` | the primary that the Sentinels `one`, `two` and `three` know by this `name`. User, password and database are the primary's; 26379 is the default port of a Sentinel |
//! | `redis-sentinel://one/name?sentinel_user=user&sentinel_password=password` | the same, with a login for the Sentinels themselves |
//! | `rediss-sentinel://one,two,three/name` | the same, with TLS to the Sentinels and to the servers |
//! | `redis-cluster://user:password@one:6379,two` | the cluster of these nodes, one of which must be reachable (feature `redis-cluster`) |
//! | `rediss-cluster://one` | the same, with TLS |
//!
//! The schemes `valkey`, `valkeys` and `valkey+unix` mean the same as `redis`,
//! `rediss` and `unix`. In the schemes with `-sentinel` and `-cluster`, you may
//! write `valkey` for `redis`, and `+` for `-`: `valkeys+cluster` means the
//! same as `rediss-cluster`. Percent-encode special characters in a password:
//! `%40` for `@`, `%2F` for `/`, `%23` for `#`.
//!
//! Each URL may have the option `protocol=resp3`, for RESP3 instead of RESP2,
//! as in `redis://host?protocol=resp3`. An unknown option is an error.
//!
//! # Environment
//!
//! [`RedisStore::from_env`] reads the variables below. Only `REDIS_URL` is
//! required. A variable that is set but empty is an error.
//!
//! | the variable | contains |
//! |---|---|
//! | `REDIS_URL` | the URL |
//! | `REDIS_TLS_CA` | the certificates of the CAs to trust, as PEM or as the path of a PEM file |
//! | `REDIS_TLS_CERT`, `REDIS_TLS_KEY` | the client certificate and its private key, each as PEM or as a path |
//! | `REDIS_SENTINEL_USER`, `REDIS_SENTINEL_PASSWORD` | the login for the Sentinels, unless the URL has one; without a user, the password is that of the default user |
//!
//! For other names, pass the name of the URL's variable to
//! [`builder_from_env`](RedisStore::builder_from_env). With `CACHE_URL`, for
//! example, it reads the other settings from `CACHE_TLS_CA`, `CACHE_TLS_CERT`
//! and so on.
//!
//! # TLS
//!
//! The store uses TLS if the URL begins with `rediss` or `valkeys`, and always
//! verifies the servers' certificates. The settings decide which CAs it trusts:
//!
//! | if you set | the store trusts |
//! |---|---|
//! | nothing | Mozilla's list of CAs |
//! | [`ca_file`](RedisStoreBuilder::ca_file), [`ca_certificates`](RedisStoreBuilder::ca_certificates) or the variable `REDIS_TLS_CA` | only the CAs that you give |
//! | [`system_ca_certificates`](RedisStoreBuilder::system_ca_certificates) | only the CAs that the operating system trusts; for networks with their own CAs |
//! | `system_ca_certificates` and one of the others | both |
//!
//! If the server requires a client certificate (`tls-auth-clients`), set one
//! with
//! [`client_certificate_files`](RedisStoreBuilder::client_certificate_files),
//! [`client_certificate`](RedisStoreBuilder::client_certificate) or the
//! [variables](#environment).
//!
//! Sentinels and cluster nodes tell the store the address of each server, by
//! default an IP address. The server's certificate must contain that address.
//! If your certificates contain only host names, have the servers announce
//! them:
//!
//! | topology | settings |
//! |---|---|
//! | Sentinel | on each server, `replica-announce-ip` with its host name; on each Sentinel, `sentinel resolve-hostnames yes` and `sentinel announce-hostnames yes` |
//! | cluster (Redis 7, Valkey) | on each node, `cluster-announce-hostname` with its host name, and `cluster-preferred-endpoint-type hostname` |
//!
//! TLS needs a crypto provider for rustls. To choose it yourself, install it
//! (`CryptoProvider::install_default`) before you build the store. Otherwise
//! the store installs one for the whole process when it first connects with
//! TLS: that of the feature `aws-lc-rs`, or else that of `ring` (a default
//! feature). If you have turned both features off and have installed no
//! provider, [`build`](RedisStoreBuilder::build) fails with
//! [`RedisStoreErrorKind::CryptoProvider`].
//!
//! # Topologies
//!
//! Before the store connects, it looks for the primary. How it does that
//! depends on the topology:
//!
//! | in this topology | the store |
//! |---|---|
//! | single server | resolves the host name in the URL |
//! | Sentinel | asks all Sentinels in the URL at the same time, and follows the majority. So one Sentinel that was cut off cannot lead it to an old primary. The store then checks that the server which the Sentinels named does not call itself a replica |
//! | cluster | asks the nodes which of them serves which hash slots: first the nodes in the URL and, if none of them answers, the nodes that the cluster had when the store last connected |
//!
//! When a primary or a connection fails, this happens:
//!
//! | event | consequence |
//! |---|---|
//! | a working connection breaks | the store connects again, and then sends the script again. On a cluster, it connects to the same node, without looking for the primary. The operation fails only if the script fails on the new connection, too |
//! | a primary becomes a replica | the server still answers lookups, with the token that it has, and refuses the next write. The store then finds the new primary and sends the script again, within the same operation; on a single server, that helps only if the host name leads to the new primary by then |
//! | a primary dies | operations fail until the server is back, or until the Sentinels or the nodes of the cluster have promoted a replica. On a cluster, operations on other nodes may fail until then, too |
//! | a primary stops answering | the operation times out, and the store closes the connection. The next operation connects again. On a cluster, the store connects to all nodes again, so operations on other nodes may time out, too |
//! | a cluster moves a hash slot | the store follows. While the keys in the slot move, operations on them fail, usually for milliseconds |
//!
//! With the default deadline, and while the token endpoint works, a failed
//! operation makes no call fail: see
//! [`store`](crate::store#when-the-store-fails).
//!
//! A primary that dies may lose its latest writes. That costs at most one token
//! request. Each new [fence](super::Fence) is at least the current time on the
//! primary's clock, in milliseconds since 1970. So even if the new primary has
//! lost the last fence, its next one is higher.
//!
//! # Rights
//!
//! The store logs in as a Redis user. To share a token, this user needs these
//! rights:
//!
//! ```text
//! ACL SETUSER genesys on >password ~tower-genesys:* -@all +eval +evalsha +get +set +del +pttl +time
//! ```
//!
//! On a Redis Cluster, the user needs four more commands, to find and follow
//! the hash slots. Create it on every node, with this line instead:
//!
//! ```text
//! ACL SETUSER genesys on >password ~tower-genesys:* -@all +eval +evalsha +get +set +del +pttl +time +cluster|slots +ping +readonly +asking
//! ```
//!
//! To share a [`Limit`](crate::store::Limit), also give the user these rights:
//!
//! ```text
//! ACL SETUSER genesys +hmget +hset +pexpire +zadd +zcard +zcount +zrange +zrangebyscore +zrem +zremrangebyscore +zscore
//! ```
//!
//! The user needs nothing else, except `+select` for a database other than 0.
//! If the store is for a limit only, leave out `+get +set +pttl`. If you set
//! another [prefix](RedisStoreBuilder::prefix), write it instead of
//! `tower-genesys`.
//!
//! [`RedisStore::check`] names the commands that sharing a token needs and that
//! the user may not run. [`RedisStore::check_limit`] does the same for a limit.
//!
//! # Keys
//!
//! A Redis key is `tower-genesys:1:{‹store key›}:‹kind›`. It has four parts:
//! the prefix; the version of the format; the [`StoreKey`](super::StoreKey) of
//! the token or limit in hexadecimal digits; and a kind from the tables below.
//! The braces are a hash tag: they keep all keys of one token, or of one limit,
//! in one hash slot of a cluster.
//!
//! These keys belong to a token (the page [`store`](super) explains lease,
//! cooldown and fence):
//!
//! | the key | contains | and expires |
//! |---|---|---|
//! | `token` | fence, fingerprint and lifetime in one line, followed by the token (encrypted, if the `Sharing` is sealed) | with the token |
//! | `lease` | the process that has the lease, and the fence of its next token | with the lease |
//! | `cooldown` | no data; while it exists, no process gets a lease | with the cooldown |
//! | `fence` | the last fence | two days after the token; without a token, two days after the last lease |
//!
//! These keys belong to a limit (the page [`book`](super::book) explains slots
//! and shares):
//!
//! | the key | contains |
//! |---|---|
//! | `slots` | the slots of the last 61 seconds, and those to come |
//! | `owners` | the active processes |
//! | `paid` | for each process, the time up to which it has already got its share of the slots |
//! | `book` | the limit, the time of the next slot, and the end of the last `Retry-After` |
//!
//! They all expire two minutes after the latest of three times: the last
//! operation, the last slot, and the end of the last `Retry-After`.
//!
//! You may delete any key at any time, and Redis may evict it. A lost key of a
//! token costs at most one token request. A lost key of a limit may let the
//! processes exceed the limit once: [`book`](super::book) says by how much.
//!
//! If a value is unreadable or of another Redis type, the store treats it as
//! missing. The next publication of a token, or the next reservation of slots,
//! replaces it.
//!
//! # Cloning
//!
//! Clones share the connection.
//!
//! # Errors
//!
//! Building and checking a store return a [`RedisStoreError`]. While the store
//! is in use, errors go to observers: the observer of the
//! [`Sharing`](crate::Sharing) gets a [`StoreError`](super::StoreError), and
//! the observer of the [`Limit`](crate::store::Limit) gets only the kind of the
//! `StoreError`:
//!
//! | kind | cause |
//! |---|---|
//! | `Unavailable` | there is no tokio runtime, or no connection; or the server is a replica, out of memory, still loading its data, or blocked by a script |
//! | `Timeout` | the connection broke; or the server did not answer within the time limit of the operation, by default 150 milliseconds (set it [for a token](crate::Sharing::with_operation_timeout) or [for a limit](crate::store::Limit::with_operation_timeout)). Even if you set a longer time limit, the store waits for an answer for one second at most |
//! | `Denied` | the server rejected the login or the client certificate; the user lacks rights; scripts are disabled; or the server is of another kind than the URL says |
//!
//! After an operation has failed because of its connection, the next operation
//! connects again, but at the earliest 100 milliseconds after the last time
//! that the store tried to connect.
//!
//! Messages never repeat the server's words, because some servers quote the
//! command that they refuse, and with it the password.
//!
//! # Cancellation
//!
//! An operation is dropped when its time limit is over. If it was waiting for
//! an answer, no later operation uses its connection, because the server may be
//! silent. The connection closes when the other operations in flight on it have
//! ended.
//!
//! If the operation was waiting for a connection, the attempt to connect
//! continues in its own task. It ends within two seconds, and later operations
//! use the connection.

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
