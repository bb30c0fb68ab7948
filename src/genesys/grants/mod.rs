//! The ways to get a token from the Genesys Cloud token endpoint. Each is a
//! [`TokenSource`](crate::TokenSource) over an HTTP client of yours.

mod client_credentials;
mod endpoint;
mod wire;

pub use client_credentials::ClientCredentials;
