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

pub mod bearer;
pub mod call;
pub mod genesys;
pub mod refresh;
pub mod replay;
pub mod retry;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod token;

pub use bearer::{Bearer, BearerLayer, OriginError, Origins};
pub use call::CallOptions;
pub use genesys::{
    ClientCredentials, ConfigError, Credentials, CredentialsProvider, GenesysLayer, GenesysService,
    Org, Region, RegionError,
};
pub use refresh::{Refresh, RefreshLayer};
pub use replay::{CloneBody, Replay, ReplayBody, ReplayLayer};
pub use retry::{Retry, RetryLayer};
pub use token::{
    AccessToken, CacheSettings, CacheStatus, FetchContext, Fingerprint, FixedToken, Generation,
    IssuedToken, Reason, Rejection, TokenCache, TokenError, TokenErrorKind, TokenProvider,
    TokenSource,
};

/// An error of any type, as tower's middleware returns it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
