//! What the official definition of the API says about its operations.

mod lookup;
mod operation;

pub use operation::{Effect, Operation};
