//! One rate limit for many processes: a book in which they reserve the times at
//! which they send.
//!
//! Processes that share a token share its limit. Without a book, each of them
//! learns of the limit from its own 429s. With a book, each send takes a
//! *slot*, a time that is reserved for it:
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{
//!     Credentials, Org, Sharing,
//!     store::{Limit, MemoryStore},
//!     testing::MockGenesys,
//! };
//!
//! # fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
//! let store = MemoryStore::new(); // a `RedisStore`, for a fleet
//! let sharing = Sharing::unsealed(store);
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .share(sharing)
//!     .limit(Limit::per_minute(300))
//!     .build(mock.http_client())?;
//! # let _ = org;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens
//!
//! | | the process |
//! |---|---|
//! | has a slot at hand | sends, without an operation of the store |
//! | has no slot | reserves some with one operation, and waits until the first one begins |
//! | has sent in the last 0.9 seconds | reserves as many more, which are valid for 0.9 seconds |
//! | has not used all of them | returns the rest with its next reservation |
//! | gets a 429 | tells the book, unless the book has said so first: no slot begins before its `Retry-After` is over |
//! | cannot reach the book | keeps to the limit divided by the last known number of processes, and looks for the book again after 10 seconds |
//! | has never reached the book | sends as if the limit did not exist |
//!
//! Each send needs a slot: the first one, a retry, the replay after a 401. It
//! waits for the slot where it would wait for a closed gate, so neither in
//! `poll_ready` nor within the attempt time-out. The wait adds to the time of
//! the call. A call that would miss its deadline goes without a slot, and gets
//! the server's response.
//!
//! # Fairness
//!
//! A process gets two seconds' worth of slots at a time, divided by the number
//! of active processes, and at least one. So processes that always want more
//! get equal shares, and a process that seldom wants a slot waits for two
//! seconds at most, whatever the others want. Within a process, requests go in
//! order of arrival.
//!
//! # What is never exceeded
//!
//! No 60 seconds have more sends than the limit. The book counts windows of 61
//! seconds, because a send takes time to reach the server. After the store has
//! lost the book, or was out of reach, up to 1.35 times the limit may be sent
//! within 60 seconds, once.
//!
//! If processes state two limits, the lower one is used, and the process that
//! stated the higher one warns. A limit that a 429 names has the same effect as
//! a stated one.
//!
//! # Errors
//!
//! The limit fails no request. A [`Limit`](super::Limit) that cannot be kept is
//! an error when the organisation is built.
//!
//! # Cancellation
//!
//! If a waiting request is dropped, its slot goes to the next one of the
//! process. Reservations belong to no request. A killed process costs two
//! seconds of its share.

mod event;
pub(super) mod limit;
mod rules;
mod slot_book;
mod terms;

pub use event::{LimitEvent, LimitObserver};
pub(crate) use rules::Book;
pub use slot_book::{Grant, Refusal, Reservation, SlotBook};
pub use terms::Terms;
