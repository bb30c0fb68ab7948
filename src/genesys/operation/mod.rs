//! What the official definition of the API says about its operations.

mod entry;
mod lookup;

pub use entry::{Effect, Operation};
