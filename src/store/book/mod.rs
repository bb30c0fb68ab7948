//! One rate limit for many processes: a book in which they reserve slots for
//! their sends.
//!
//! Processes that use the same OAuth client share its rate limit. Without a
//! book, each of them learns of the limit from its own 429s. With a book, each
//! [send](crate#glossary) takes a *slot*: the right of one process to send one
//! request. A slot *begins* at a time that the book assigns, and *ends* 0.9
//! seconds later. The process may send at any time in between.
//!
//! To share a limit, pass it to
//! [`OrgBuilder::shared_limit`](crate::genesys::OrgBuilder::shared_limit), with
//! the store that keeps the book: a `RedisStore`, or in tests a
//! [`MemoryStore`](super::MemoryStore):
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
//! let mock = MockGenesys::new(); // replaces Genesys and your HTTP client
//! let store = MemoryStore::new(); // for a fleet, a `RedisStore`
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .shared_limit(Limit::per_minute(300), store)
//!     .build(mock.http_client())?;
//! # let _ = org;
//! # Ok(())
//! # }
//! ```
//!
//! The limit belongs to the OAuth client and the login host of its region,
//! which issues the tokens. So the processes need not share a token, and if
//! they do, the namespace of their [`Sharing`](crate::Sharing::with_namespace)
//! does not matter. All `RedisStore`s on one database use the same book for it,
//! unless their prefixes differ.
//!
//! # What happens
//!
//! A book has two operations, and each takes one round trip to the store:
//! [`reserve`](SlotBook::reserve) grants slots to a process, and
//! [`refuse`](SlotBook::refuse) reports a 429 to all processes.
//!
//! | a process that | does this |
//! |---|---|
//! | has a slot | sends as soon as the slot has begun, without an operation |
//! | has no slot for a send | reserves slots with one operation. The send waits until one of the slots begins |
//! | reserves slots | asks for one for each send that waits. If it has no slot at all, it also asks for as many as it used in the last 0.9 seconds (64 at most), so that later sends find one |
//! | did not use a slot before its end | hands the slot back with its next reservation |
//! | gets a 429 for the limit of the client | reports to the book how long its `Retry-After` lasts, unless the book already knows of a wait that lasts as long. From then on, no send of this process begins before the wait is over, and the book grants no slot that would begin earlier. A 429 for the limit of a single Genesys service, such as `directory`, is not reported |
//! | cannot reach the book, because an operation fails or takes longer than 150 milliseconds (by default) | sends at the limit divided by the last known number of processes. It tries the book again after 10 to 12 seconds |
//! | has never reached the book | sends without a limit, and tries the book again after 10 to 12 seconds |
//! | knows no limit yet ([`Limit::learned`](super::Limit::learned)) | sends without a limit, until a 429 names one or the book has one. It asks the book every 45 to 60 seconds |
//!
//! While the limit is known and the book is in reach, every send takes a slot:
//! the first send of a call, each retry, and the replay after a 401. The send
//! waits for its slot in the [throttle](crate::retry::Throttle), as it would
//! after a 429. That wait counts towards the duration of the call, but not
//! towards the [attempt time-out](crate::RetryPolicy::with_attempt_timeout) of
//! `Retry`. `poll_ready` does not wait for slots. If the slot would begin after
//! the deadline of the call
//! ([`RetryPolicy::with_deadline`](crate::RetryPolicy::with_deadline)), the
//! send goes without a slot, and the call gets the server's response.
//!
//! # Fairness
//!
//! A process can reserve at most its share of the next two seconds: the slots
//! that the limit allows in that time, divided by the number of active
//! processes. If it has no slot, it gets one in any case. A process is active
//! until two seconds after its last slot has begun. Each organisation that a
//! program builds counts as one process.
//!
//! So processes that always want more slots get equal numbers of them. A
//! process that seldom sends waits for two seconds at most, unless there are
//! more active processes than slots in two seconds. Within a process, the sends
//! get slots in order of arrival.
//!
//! After a pause, in which the processes wanted fewer slots than the limit
//! allows, they may send a part of the limit at once: a quarter, unless you set
//! [`Limit::with_burst`](super::Limit::with_burst). Active processes divide
//! this burst, too.
//!
//! # What is never exceeded
//!
//! While all processes reach the book, no 60 seconds contain more sends than
//! the limit. The only exceptions are sends that go without a slot because of
//! their deadline. The book counts the slots of any 61 seconds, not 60, because
//! a send may begin 0.9 seconds after its slot does, and takes time to reach
//! the server.
//!
//! After the store has lost its data, or was unreachable, up to 1.35 times the
//! limit may be sent within 60 seconds, once after each such event. The sends
//! of a process that has never reached the book add to that.
//!
//! If processes state different limits, the lowest one applies to all, and each
//! process that stated a higher one logs a warning. A process states its limit
//! with each reservation. The lowest limit applies until two minutes after a
//! process last stated it. A limit that a 429 names counts as stated by the
//! process that got the 429. A 429 never raises the limit that the program has
//! set.
//!
//! # Errors
//!
//! A limit makes no call fail. An invalid [`Limit`](super::Limit) is an error
//! when the organisation is built
//! ([`ConfigErrorKind::Limit`](crate::genesys::ConfigErrorKind::Limit)).
//!
//! # Cancellation
//!
//! A slot belongs to a process, and not to a send. So if a call is dropped
//! while its send waits, the next send of the process gets the slot. If a
//! process is killed, its reserved slots stay unused, which costs the others at
//! most the slots of its share in two seconds.

mod event;
pub(super) mod limit;
mod rules;
mod slot_book;
mod terms;

pub use event::{LimitEvent, LimitObserver};
pub(crate) use rules::Book;
pub use slot_book::{Grant, Refusal, Reservation, SlotBook};
pub use terms::Terms;
