//! One rate limit for many processes: a book in which they reserve the times at which they send.
//!
//! Processes that share a token share its limit. Without a book, each of them learns of it by 429s
//! of its own. With one, each send takes a *slot*, a time that is reserved for it:
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{
//!     Credentials, Org, Sharing, store::{Limit, MemoryStore}, testing::MockGenesys,
//! };
//!
//! # fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::new(); // stands for Genesys Cloud and for your HTTP client
//! let store = MemoryStore::new(); // a `RedisStore`, for a fleet
//! let sharing = Sharing::unsealed(store).with_limit(Limit::per_minute(300));
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .share(sharing)
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
//! | has a slot at hand | sends; that costs no operation of the store |
//! | has none | reserves some by one operation, and waits until the first one begins |
//! | has sent in the last 0.9 seconds | reserves as many more, which are good for 0.9 seconds |
//! | has not used all of them | gives the rest back with its next reservation |
//! | gets a 429 | tells the book: no slot begins before its `Retry-After` is over |
//! | cannot reach the book | keeps to the limit divided by the processes last known, and looks for the book again after 10 seconds |
//! | has never reached the book | sends as if there were no limit |
//!
//! A slot belongs to a send, whichever it is: the first one, a retry, the resend after a 401. It is
//! waited for where a closed gate is waited for, so neither in `poll_ready` nor within the time-out
//! of an attempt. The wait counts against the deadline of the call; a call that would miss it goes
//! without a slot, and gets the server's answer.
//!
//! # Fairness
//!
//! A process gets two seconds' worth of slots at a time, divided by the processes that are active,
//! and at least one. So those who always want more get the same, and one who seldom wants any waits
//! for two seconds at most, however much the others want. Within a process, requests go in the
//! order in which they came.
//!
//! # What is never exceeded
//!
//! No 60 seconds have more sends in them than the limit. The book counts windows of 61 seconds, as
//! a send takes its time to the server. After the store has lost the book, or has been out of
//! reach, up to 1.35 times the limit may be sent within 60 seconds, once.
//!
//! Of two limits that are stated the lower one counts, and the process that stated the higher one
//! warns. A limit that a 429 names counts like one that is stated.
//!
//! # Errors
//!
//! The limit fails no request. A [`Limit`](super::Limit) that cannot be kept is an error where the
//! organisation is built.
//!
//! # Cancellation
//!
//! The slot of a request that is dropped while it waits goes to the next one of the process.
//! Reservations belong to no request. A process that is killed costs two seconds of its share.

mod event;
pub(super) mod limit;
mod rules;
mod slot_book;
mod terms;

pub use event::{LimitEvent, LimitObserver};
pub(crate) use rules::Book;
pub use slot_book::{Grant, Refusal, Reservation, SlotBook};
pub use terms::Terms;
