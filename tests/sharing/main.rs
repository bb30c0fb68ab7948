//! Do processes that share a token survive what happens to them? Each is a
//! cache of its own over one store in memory, on a paused clock, with exact
//! counts.
#![cfg(feature = "seal")]

#[path = "../captured_log/mod.rs"]
mod captured_log;
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
