//! An HTTP client in one call, for tokens and the API, if you have no client
//! yet.
//!
//! [`Client`] sets up hyper-util's client: HTTP/1.1 and 2, TLS with rustls and
//! a [crypto provider](#crypto-provider) of your choice, the proxy of the
//! environment with user and password, time-outs for everything that could
//! hang, and errors that name the next step. It is a tower service like any
//! other, and the layers of this crate do not depend on it. If you have a
//! client, keep it.
//!
//! # Example
//!
//! Your own client, and this one, side by side:
//!
//! ```
#![doc = include_str!("../../examples/hyper_client.rs")]
//! ```
//!
//! # Customising
//!
//! [`ClientBuilder`] has the settings, with the source of each default. For a
//! network whose gateway inspects TLS, and a proxy that the environment does
//! not name:
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{Client, ReplayBody, client::ClientBuilder};
//!
//! # fn client(ca: &std::path::Path, user: &str, password: &str) -> Result<(), tower_genesys::genesys::ConfigError> {
//! let client: Client<ReplayBody<Full<Bytes>>> = ClientBuilder::new()
//!     .proxy(format!("http://{user}:{password}@proxy.example.com:3128"))
//!     .proxy_except("internal.example.com, 10.0.0.0/8")
//!     .ca_file(ca)
//!     .build()?;
//! # Ok(())
//! # }
//! # let error = client("/nowhere/ca.pem".as_ref(), "me", "s3cr3t").unwrap_err();
//! # assert_eq!(error.kind(), tower_genesys::genesys::ConfigErrorKind::CaFile);
//! ```
//!
//! # Proxies
//!
//! For each connection the client asks the proxy for a tunnel (`CONNECT`) and
//! does TLS with the host inside of it, so that the proxy sees neither token
//! nor data. The client supports Basic authentication, and no SOCKS. The
//! proxy's own password goes to the proxy only: in clear text, unless the
//! proxy's URL begins with `https://`.
//!
//! # Crypto provider
//!
//! TLS is rustls, whose cryptography is a separate crate:
//!
//! | features of `tower-genesys` | provider |
//! |---|---|
//! | default, or `default-features = false` with `ring` | *ring* |
//! | `default-features = false` with `aws-lc-rs` | AWS-LC |
//! | both | AWS-LC: `ring` is the default, the other one was asked for |
//! | `default-features = false` with neither | the one given to [`crypto_provider`](ClientBuilder::crypto_provider), or else the one that the process has installed (`CryptoProvider::install_default`) |
//!
//! A provider that is given wins in all cases. If there is none at all,
//! [`build`](ClientBuilder::build) fails with
//! [`ConfigErrorKind::CryptoProvider`][kind]. The table applies to
//! [`RedisStore`](crate::store::redis#tls), too, except that an installed
//! provider wins there. For the feature `reqwest-013`, the features of reqwest
//! decide: `rustls` brings AWS-LC, and `rustls-no-provider` uses the installed
//! provider. `make providers` compares the dependency trees under these
//! features with this table.
//!
//! # FIPS
//!
//! *ring* and AWS-LC as `aws-lc-rs` builds it lack FIPS validation. For
//! AWS-LC's FIPS module, use the feature `aws-lc-rs`, and add `rustls` with its
//! feature `fips` to your program: provider and cipher suites are then the
//! validated ones. Build a `ClientConfig` yourself, check its `fips` method,
//! and pass it to [`tls_config`](ClientBuilder::tls_config). The crate's own
//! encryption is not FIPS approved: see [sealing](crate::store#sealing).
//!
//! # Ordering
//!
//! Innermost: all layers go around it. It is always ready. Over HTTP/1.1 it
//! opens a connection for each concurrent request; to bound them, put tower's
//! `ConcurrencyLimitLayer` between it and
//! [`GenesysLayer`](crate::GenesysLayer).
//!
//! # Cloning
//!
//! Clones share their connections. Give one to [`Org`](crate::Org) and another
//! to the layers.
//!
//! # Runtimes
//!
//! You may use a client on several tokio runtimes, in turn or at the same time:
//! a runtime for each test, for each worker thread of actix-web, or for each
//! `block_on`. Each runtime has its own pool, which ends with the runtime. The
//! first poll of a response chooses the pool. So no request waits for a runtime
//! that is not running. The price:
//!
//! - Each runtime makes its own TCP and TLS handshake with a host, and with
//!   HTTP/2 its own connection. The [limits on idle
//!   connections](ClientBuilder#default) apply to each runtime.
//! - Each runtime runs one task per client, until the runtime or the client
//!   ends.
//! - While a runtime does not run, its connections stay open, until it runs
//!   again or is dropped. Its pool uses no connection that was idle for longer
//!   than [`pool_idle_timeout`](ClientBuilder::pool_idle_timeout).
//!
//! Other designs cost more. A thread for the client would put all encryption on
//! one core, and two thread switches into each request. A runtime handle given
//! at the start may belong to a runtime that is not running. A program with one
//! runtime has one pool, as with any client, and searches a list of one.
//!
//! # Errors
//!
//! A [`ConfigError`](crate::genesys::ConfigError) if the client is built with
//! settings that cannot work, and a [`ClientError`] for a request without a
//! response. Both name the setting to look at, and neither shows a possible
//! secret. Without a connection, [`Retry`](crate::retry) knows that nothing was
//! sent, and retries any method. It retries neither a URI without https nor a
//! proxy that refuses the password: repeated wrong passwords could lock the
//! account.
//!
//! Within a stack, [`ClientError::find`] finds the reason:
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use tower::ServiceExt;
//! use tower_genesys::{
//!     BoxError,
//!     client::{ClientBuilder, ClientError, ClientErrorKind},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! // No proxy listens on this port.
//! let proxy = "http://me:s3cr3t@127.0.0.1:1";
//! let client = ClientBuilder::new().proxy(proxy).build()?;
//! let request = Request::get("https://api.mypurecloud.com/");
//! let request = request.body(Full::<Bytes>::default())?;
//!
//! let error: BoxError = client.oneshot(request).await.unwrap_err().into();
//! let error = ClientError::find(&*error).expect("the client failed");
//! assert_eq!(error.kind(), ClientErrorKind::Proxy);
//! assert_eq!(
//!     error.to_string(),
//!     "no connection to the proxy 127.0.0.1:1; check the host and port in \
//!      `ClientBuilder::proxy`, and the network"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Cancellation
//!
//! A request ends with its future: its HTTP/1.1 connection is closed, on HTTP/2
//! its stream is reset, and a connection attempt for it is abandoned.
//!
//! [kind]: crate::genesys::ConfigErrorKind::CryptoProvider

mod builder;
mod certificates;
mod client_auth;
mod connect_error;
mod connector;
mod error;
mod error_kind;
mod future;
mod pools;
mod proxy;
mod response_body;
mod served;
pub(crate) mod service;
mod time_limits;
mod tls;
mod tunnel;
mod upload;
mod wait;

pub use builder::ClientBuilder;
pub use error::ClientError;
pub use error_kind::ClientErrorKind;
pub use future::ResponseFuture;
pub use response_body::ResponseBody;
pub(crate) use service::Client;
