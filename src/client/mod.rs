//! An HTTP client in one call, for those who have none yet.
mod builder;
mod config_error;
mod connect_error;
mod connector;
mod error;
mod future;
mod proxy;
mod service;
mod tls;
mod transport;
mod tunnel;

pub use builder::ClientBuilder;
pub use config_error::{ClientConfigError, ClientConfigErrorKind};
pub use error::{ClientError, ClientErrorKind};
pub use future::ResponseFuture;
pub use service::Client;
