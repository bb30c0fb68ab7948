//! Many organisations in one process: each built once, when it is first needed.
//!
//! [`Orgs`] is a registry of [`Org`](crate::Org)s under your own keys, such as
//! the id of a tenant. It builds the organisation of a key at the first request
//! for it. After a while without use, it *closes* the organisation: it drops
//! it, with its token.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{
//!     BoxError, Credentials, Org, genesys::orgs::Orgs, testing::MockGenesys,
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
//! let id = mock.client_id().to_owned();
//! let secret = mock.client_secret().to_owned();
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
//! Put the organisation into the extensions of a request, and one stack serves
//! all tenants: see
//! [`GenesysLayer::per_request`](crate::GenesysLayer::per_request).
//!
//! # How many, and for how long
//!
//! | | default | why |
//! |---|---|---|
//! | capacity | 10,000 | 30 MB, if each has a token (measured by `benches/tenants.rs`) |
//! | idle time | 1 h | a tenant that returns costs one token request; tokens live for a day |
//!
//! An organisation is *idle* while only the registry has it: no request is in
//! flight, and you keep no clone. The registry closes an idle one when the idle
//! time has passed since its key was last requested, or earlier if another
//! organisation needs its place; the least recently requested one goes first.
//! The registry never closes an organisation in use. If all are in use and no
//! place is left, [`Orgs::get`] returns [`OrgsErrorKind::Full`].
//!
//! Nothing runs in the background. Instead, [`Orgs::get`] and [`Orgs::try_get`]
//! also look for idle organisations, a few times in each hour (if the idle time
//! is an hour). [`Orgs::close_idle`] looks at once.
//!
//! # Errors
//!
//! An [`OrgsError`]. All callers that wait for one organisation share the error
//! of its build. The registry does not keep the error: the next caller builds
//! again.
//!
//! # Cancellation
//!
//! A build belongs to all callers that wait for it. It continues while one of
//! them waits, and is dropped with the last of them.

mod builder;
mod error;
mod registry;
mod table;

pub use builder::OrgsBuilder;
pub use error::{OrgsError, OrgsErrorKind};
pub use registry::Orgs;
