//! Does `MockGenesys` behave as Genesys Cloud does?
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, as it should"
)]

mod api;
mod ask;
mod authorize;
mod browser;
mod definition;
mod oauth;
mod record;
mod script;
mod tokens;
mod wire;
