//! The operations of a store and of a book, by name, and their time limit.

use std::{pin::Pin, time::Duration};

use super::StoreError;

/// The default time limit of one operation.
pub(super) const TIMEOUT: Duration = Duration::from_millis(150);
/// The minimum of a time limit. A shorter one would end every operation.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);

/// The future of a [`TokenStore`](super::TokenStore) operation, boxed so that
/// the trait can be used as a trait object.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// An operation of a [`TokenStore`](super::TokenStore) or a
/// [`SlotBook`](super::book::SlotBook), for events, counts and faults.
///
/// ```
/// assert_eq!(tower_genesys::store::Operation::Publish.as_str(), "publish");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`get_or_lease`](super::TokenStore::get_or_lease).
    GetOrLease,
    /// [`publish`](super::TokenStore::publish).
    Publish,
    /// [`abandon`](super::TokenStore::abandon).
    Abandon,
    /// [`reserve`](super::book::SlotBook::reserve).
    Reserve,
    /// [`refuse`](super::book::SlotBook::refuse).
    Refuse,
}

impl Operation {
    /// Returns the name that log events and metrics show.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetOrLease => "get_or_lease",
            Self::Publish => "publish",
            Self::Abandon => "abandon",
            Self::Reserve => "reserve",
            Self::Refuse => "refuse",
        }
    }
}
