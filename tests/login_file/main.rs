//! A login in a file, on a real disk and against a Genesys Cloud in memory.

#![cfg(unix)]

mod damage;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod processes;
mod rotation;
mod sealed;
mod setup;
