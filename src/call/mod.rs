//! Overrides the settings of the layers for one request.
//!
//! Put [`CallOptions`] into the extensions of a request. Each layer reads its
//! own part and leaves the rest. [`Refused`] is the error of a request that a
//! layer refused to send.
//!
//! ```
//! use std::time::Duration;
//! use http::Request;
//! use tower_genesys::CallOptions;
//!
//! let uri = "https://api.mypurecloud.com/api/v2/flows/export/jobs";
//! let mut request = Request::post(uri).body(())?;
//! let options = CallOptions::new()
//!     .with_repeatable(true)
//!     .with_deadline(Duration::from_secs(20));
//! request.extensions_mut().insert(options);
//! assert_eq!(CallOptions::of(request.extensions()), options);
//! # Ok::<(), http::Error>(())
//! ```

pub(crate) mod options;

pub use crate::error::Refused;
pub(crate) use options::CallOptions;
