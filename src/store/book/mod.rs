//! One rate limit for many processes: a book in which they reserve the times at
//! which they send.
//!
//! Processes that use the same OAuth client share its rate limit. Without a
//! book, each of them learns of the limit from its own 429s. With a book, each
//! send takes a *slot*: a reserved moment, from which on the send may begin,
//! for 0.9 seconds.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{
//!     Credentials, Org,
//!     store::{Limit, MemoryStore},
//!     testing::MockGenesys,
//! };
//!
//! # fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
//! let store = MemoryStore::new(); // a `RedisStore`, for a fleet
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .shared_limit(Limit::per_minute(300), store)
//!     .build(mock.http_client())?;
//! # let _ = org;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens
//!
//! | a process that | does this |
//! |---|---|
//! | has a slot | sends, without an operation of the store |
//! | has no slot | reserves some with one operation, and waits until the first one begins |
//! | reserves slots | asks for one slot for each waiting send, and, if it has none at all, for as many more as it used in the last 0.9 seconds, so that later sends find one |
//! | has slots that it did not use in time | hands them back with its next reservation |
//! | gets a 429 | reports it to the book, unless the book already knows it. No slot begins before the `Retry-After` is over |
//! | cannot reach the book | keeps to the limit divided by the last known number of processes, and tries the book again after 10 seconds |
//! | has never reached the book | sends without a limit |
//!
//! Each send needs a slot: the first one, a retry, the replay after a 401. It
//! waits for the slot in the [throttle](crate::retry::Throttle), as after a
//! 429: `poll_ready` does not wait for it, and the attempt time-out does not count
//! the wait. The wait adds to the duration of the call. If the wait would
//! exceed the call's deadline, the call is sent without a slot, and gets the
//! server's response.
//!
//! # Fairness
//!
//! One reservation gives a process at most its share: the slots of two seconds,
//! divided by the number of active processes, and at least one slot. So
//! processes that always want more get equal shares. A process that seldom
//! sends waits for two seconds at most, if no more processes are active than
//! there are slots in two seconds. Within a process, requests are sent in order
//! of arrival.
//!
//! # What is never exceeded
//!
//! While the processes reach the book, no 60 seconds have more sends than the
//! limit, except for calls that are sent without a slot because of their
//! deadline. The book counts windows of 61 seconds, because a send takes time
//! to reach the server. After the store has lost the book or was unreachable,
//! up to 1.35 times the limit may be sent within 60 seconds, once. A process
//! that has never reached the book does not count.
//!
//! If processes state different limits, the lowest one applies, and a process
//! that stated a higher one logs a warning. A limit that a 429 names counts as
//! a stated one.
//!
//! # Errors
//!
//! A limit never fails a request. An invalid [`Limit`](super::Limit) is an
//! error when the organisation is built.
//!
//! # Cancellation
//!
//! If a waiting request is dropped, its slot goes to the next request of the
//! process, because slots are reserved for the process and not for a request.
//! A killed process costs the others two seconds of its share.

mod event;
pub(super) mod limit;
mod rules;
mod slot_book;
mod terms;

pub use event::{LimitEvent, LimitObserver};
pub(crate) use rules::Book;
pub use slot_book::{Grant, Refusal, Reservation, SlotBook};
pub use terms::Terms;
