//! Many organisations in one process: each built once, when it is first needed.
//!
//! [`Orgs`] is a registry of [`Org`](crate::Org)s under keys of your own, such as the id of a
//! tenant. It builds the organisation of a key when somebody first asks for it, and closes it when
//! nobody has used it for a while.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{BoxError, Credentials, Org, genesys::orgs::Orgs, testing::MockGenesys};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let mock = MockGenesys::new(); // stands for Genesys Cloud and for your client
//! let (id, secret) = (mock.client_id().to_owned(), mock.client_secret().to_owned());
//! let orgs = Orgs::new(move |tenant: String| {
//!     let (mock, id, secret) = (mock.clone(), id.clone(), secret.clone());
//!     async move {
//!         // Yours: a row of a table, or a secret of a vault, by the tenant.
//!         assert_eq!(tenant, "acme");
//!         let org = Org::builder(mock.region())
//!             .credentials(Credentials::new(id, secret)?)
//!             .build(mock.http_client())?;
//!         Ok::<_, BoxError>(org)
//!     }
//! });
//!
//! let (one, other) = tokio::join!(orgs.get("acme"), orgs.get("acme"));
//! one?.tokens().token().await?;
//! assert!(other?.tokens().status().is_ready(), "it is the same one");
//! assert_eq!(orgs.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Put the organisation into the extensions of a request, and one stack serves all tenants: see
//! [`GenesysLayer::per_request`](crate::GenesysLayer::per_request).
//!
//! # How many, and for how long
//!
//! | | default | why |
//! |---|---|---|
//! | capacity | 10,000 | 30 MB, if each has a token (measured by `benches/tenants.rs`) |
//! | idle time | 1 h | a tenant that returns costs one token request; tokens live for a day |
//!
//! An organisation is *idle* while nobody but the registry has it: no request that is under way, no
//! clone that you keep. It is closed after the idle time, or earlier when another one needs its
//! place; of several, the one that was asked for longest ago goes first. An organisation in use is
//! never closed. If all are in use and there is no place for another, [`Orgs::get`] returns
//! [`OrgsErrorKind::Full`].
//!
//! Idle organisations are looked for when somebody asks for one, a few times per idle time. Nothing
//! runs in the background. [`Orgs::close_idle`] looks at once.
//!
//! # Errors
//!
//! An [`OrgsError`]. All who wait for one organisation share the error of its build. It is not
//! remembered: the next caller builds again.
//!
//! # Cancellation
//!
//! A build belongs to all who wait for it. It goes on while one of them does, and is dropped with
//! the last of them.

mod builder;
mod error;
mod registry;
mod table;

pub use builder::OrgsBuilder;
pub use error::{OrgsError, OrgsErrorKind};
pub use registry::Orgs;
