//! What is particular to Genesys Cloud.

pub mod region;

pub use region::{Region, RegionError, RegionErrorKind};
