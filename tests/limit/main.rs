//! One limit for a process, and for many processes that share a store.

#[path = "../fixtures/mod.rs"]
mod fixtures;
mod gates;
mod sends;
mod settings;
mod setup;
mod trouble;
