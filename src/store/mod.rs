//! One token for many processes.

mod entry;
mod envelope;
mod error;
mod failure;
mod key;
mod memory;
mod observer;
mod operation;
#[cfg(feature = "seal")]
mod seal;
mod shareable;
mod sharing;
mod sharing_error;
mod source;
mod token_store;

pub use entry::{Entry, Fence, Lease, Owner};
pub use error::{StoreError, StoreErrorKind};
pub use key::StoreKey;
pub use memory::{Fault, MemoryStore};
pub use observer::{StoreEvent, StoreObserver};
pub use operation::Operation;
#[cfg(feature = "seal")]
#[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
pub use seal::{KeyRing, SealKey};
pub use shareable::{Keyed, ShareableSource};
pub use sharing::Sharing;
pub use sharing_error::{SharingError, SharingErrorKind};
pub use source::SharedSource;
pub use token_store::{Claim, Lookup, Publication, StoreFuture, TokenStore};
