//! Do processes that share a token survive failures of processes, of the store
//! and of the token endpoint? Each process is a cache over one store in memory,
//! on a paused clock, and counts are exact.
#![cfg(feature = "seal")]

#[path = "../captured_log/mod.rs"]
mod captured_log;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod setup;

mod cancellation;
mod conformance;
mod cooldown;
mod fleet;
mod handover;
mod identity;
mod leader;
mod many_keys;
mod organisations;
mod outage;
mod protocol;
mod revoked;
mod secrets;
mod values;
