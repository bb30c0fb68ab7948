//! Access tokens: where they come from, and how one is kept valid.

mod error;

pub use error::{TokenError, TokenErrorKind};
