//! What the Genesys Cloud API says when it does not do what it was asked.
//!
//! The layers of this crate return the API's last response as it came. [`ApiError::read`] makes an
//! error of it, with a bound on what is read, and [`ApiError::parse`] does so with a body that was
//! read before. Neither fails: whatever came instead of an error of the API, there is a status to
//! name. `read` also takes in why the layers have not sent the request again, so that the text of
//! the error says what is to be done about that.
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
//!             "message": "You are missing the following permission(s): [routing:queue:view]"
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
//! Code and message of the API are meant for people, and are repeated, shortened. Whatever stands
//! after the word "Bearer" is taken out, and so are words that look like a token (40 characters or
//! more, with digits and both cases). `Display` escapes control characters and stays below
//! 2000 characters, so it can go into a log as it is. A body that is no error of the API is
//! not repeated.

mod advice;
mod body;
mod display;
mod entry;
pub(crate) mod error;
mod message;
mod not_sent_again;
mod permissions;
mod read;
#[cfg(test)]
mod tests;
mod text;

pub use entry::{ErrorDetail, RateLimit};
pub(crate) use error::ApiError;
pub(in crate::genesys) use text::{Shown, clean};
