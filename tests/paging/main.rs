//! Pages as streams: every row comes once through all failures below, or there
//! is an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, as it should"
)]

mod cancellation;
mod errors;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod job;
mod kinds;
mod linked;
mod numbered;
mod properties;
mod question;
mod resumed;
mod setup;
mod stated;
