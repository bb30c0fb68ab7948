use std::pin::Pin;

use super::StoreError;

/// What an operation of a [`TokenStore`](super::TokenStore) returns: boxed, so that a store can be behind a pointer.
///
/// An example: [`store`](crate::store).
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What is done with a [`TokenStore`](super::TokenStore) or a
/// [`SlotBook`](super::book::SlotBook), for events, counts and faults.
///
/// An example: [`store`](crate::store).
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
    /// The name in log events and metrics.
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
