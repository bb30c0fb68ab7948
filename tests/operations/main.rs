//! The crate's table of operations against the official definition as a CSV.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, as it should"
)]

mod definition;
mod effects;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod setup;
mod shapes;
mod walk;
