//! Does `FileStore` keep the rules of a `TokenStore` among real processes,
//! whatever happens to its files?
#![cfg(unix)]

#[path = "../fixtures/mod.rs"]
mod fixtures;
mod setup;

mod damage;
mod directory;
mod disk;
mod locks;
mod processes;
mod rules;
mod secrets;
