//! Do the grants get tokens, spend what can be spent once only once, and keep
//! their secrets?
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, as it should"
)]

mod answers;
mod authorization_code;
mod client_credentials;
mod credentials;
mod dialects;
mod errors;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod marked;
mod output;
mod persisted;
mod refresh_token;
mod replaced;
mod saml2_bearer;
mod secrets;
mod setup;
mod spent_once;
