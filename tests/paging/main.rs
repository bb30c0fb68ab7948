//! Pages as streams: every row once, across whatever goes wrong below, and an
//! error otherwise.
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
