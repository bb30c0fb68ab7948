//! Does a login in a file survive processes that are killed, damaged files and
//! other processes? The disk is real, and Genesys Cloud is in memory.

#![cfg(unix)]

mod damage;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod processes;
mod rotation;
mod sealed;
mod setup;
