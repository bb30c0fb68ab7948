//! Do the grants get tokens, send what is valid only once at most once, and
//! keep their secrets?
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic fails the test"
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
