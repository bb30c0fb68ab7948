//! Errors of the Genesys Cloud API, read from a response.
//!
//! The layers of this crate return the API's last response unchanged.
//! [`ApiError::read`] turns it into an error, and bounds how much it reads.
//! [`ApiError::parse`] does so with a body that you have read. Neither can
//! fail: if the body is not an error of the API, the error has the status and
//! the headers. `read` also includes the reason why the layers did not resend
//! the request, so the message names the next step for that, too.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Response, StatusCode};
//! use http_body_util::Full;
//! use tower_genesys::ApiError;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let response = Response::builder()
//!     .status(StatusCode::FORBIDDEN)
//!     .header("ININ-Correlation-Id", "8c5a9f1e-0a2b-4c3d-9e8f-7a6b5c4d3e2f")
//!     .body(Full::<Bytes>::from(
//!         r#"{
//!             "code": "missing.permissions",
//!             "message": "You are missing: [routing:queue:view]"
//!         }"#,
//!     ))
//!     .expect("a response");
//!
//! let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
//! assert_eq!(error.status(), StatusCode::FORBIDDEN);
//! assert_eq!(error.code(), Some("missing.permissions"));
//! assert!(error.missing_permissions().eq(["routing:queue:view"]));
//! assert_eq!(error.context_id(), Some("8c5a9f1e-0a2b-4c3d-9e8f-7a6b5c4d3e2f"));
//! # }
//! ```
//!
//! # What it shows
//!
//! The API's code and message are meant for people, and are repeated,
//! shortened. The text after the word "Bearer" is removed, as are words that
//! look like a token (40 characters or more, with digits and both cases).
//! `Display` escapes control characters and stays below 2000 characters, so you
//! can log it as it is. The body is repeated only if it is an error of the API.

mod body;
mod display;
mod entry;
pub(crate) mod error;
mod message;
mod not_sent_again;
#[cfg(test)]
mod tests;
mod text;

pub use entry::{ErrorDetail, RateLimit};
pub(crate) use error::ApiError;
pub(in crate::genesys) use text::{Shown, clean};
