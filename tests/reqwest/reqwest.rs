//! Do the layers do their job over reqwest: below its requests, and above its
//! client?

#![cfg(test)]

#[path = "../fixtures/mock_org.rs"]
#[allow(dead_code, reason = "other test programs use the rest")]
mod mock_org;
mod setup;

mod errors;
mod redirects;
mod requests;
mod uploads;
