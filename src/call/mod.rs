//! What one request asks of the layers that it passes through.
//!
//! [`CallOptions`] goes into the extensions of a request, and overrides for that request what the
//! layers were built with. Each layer reads its own part and leaves the rest. [`Refused`] is the
//! error of a request that was stopped on this side.
//!
//! ```
//! use std::time::Duration;
//! use http::Request;
//! use tower_genesys::CallOptions;
//!
//! let mut request = Request::post("https://api.mypurecloud.com/api/v2/flows/export/jobs").body(())?;
//! let options = CallOptions::new().with_repeatable(true).with_deadline(Duration::from_secs(20));
//! request.extensions_mut().insert(options);
//! assert_eq!(CallOptions::of(request.extensions()), options);
//! # Ok::<(), http::Error>(())
//! ```

pub(crate) mod options;

pub use crate::error::Refused;
pub(crate) use options::CallOptions;
