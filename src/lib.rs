//! Tower layers that put Genesys Cloud authentication into any HTTP client stack.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that panics has failed, as it should"
    )
)]

pub mod call;
pub mod genesys;
pub mod replay;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod token;

pub use call::CallOptions;
pub use genesys::{Region, RegionError, RegionErrorKind};
pub use token::{TokenError, TokenErrorKind};

/// An error of any type, as tower's middleware returns it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
