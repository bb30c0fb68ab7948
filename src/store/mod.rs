//! One token for many processes.

mod entry;
mod error;
mod key;
mod token_store;

pub use entry::{Entry, Fence, Lease, Owner};
pub use error::{StoreError, StoreErrorKind};
pub use key::StoreKey;
pub use token_store::{Claim, Lookup, Publication, StoreFuture, TokenStore};
