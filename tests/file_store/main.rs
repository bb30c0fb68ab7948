//! Does `FileStore` keep the rules of a `TokenStore` among real processes, whatever is done to its
//! files?
#![cfg(unix)]

mod setup;

mod damage;
mod directory;
mod disk;
mod locks;
mod processes;
mod rules;
mod secrets;
