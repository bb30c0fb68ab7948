//! Lists, searches and jobs, as streams of pages that can be resumed.
//!
//! A [`Pager`] is given a path, and for a POST a body; how the operation pages it takes from the
//! crate's table of the API ([`Paging::of`]). It makes a stream of [`Page`]s with rows of a type of
//! yours. Tokens may expire and requests may be throttled meanwhile: the layers below see to that.
//! The stream returns each row once, and never ends early without an error: whatever is wrong is a
//! [`PageError`].
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use futures_util::StreamExt;
//! use http_body_util::Full;
//! use serde::Deserialize;
//! use serde_json::json;
//! use tower::ServiceBuilder;
//! use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
//! use tower_genesys::testing::{DETAILS_QUERY, MockGenesys};
//!
//! #[derive(Deserialize)]
//! struct Conversation {
//!     #[serde(rename = "conversationId")]
//!     id: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::builder().conversations(250).build(); // stands for the HTTP client
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build(mock.http_client())?;
//! let genesys = ServiceBuilder::new().layer(GenesysLayer::new(&org)).service(mock.http_client());
//! let pager = Pager::new(&org, genesys);
//!
//! mock.on(DETAILS_QUERY).nth(2).revoke_token(); // in the middle of the job
//! let query = json!({ "interval": mock.interval(), "order": "asc" });
//! let path = "/api/v2/analytics/conversations/details/query";
//! let mut pages = pager.post(path, &query).pages::<Conversation>();
//! let first = pages.next().await.expect("a page")?;
//! assert_eq!((first.rows.len(), first.total), (100, Some(250)));
//! drop(pages);
//!
//! // In another process: exactly the rows that are left.
//! let saved = serde_json::to_string(&first.checkpoint)?;
//! let mut pages = pager.post(path, &query)
//!     .resume(serde_json::from_str(&saved)?)
//!     .pages::<Conversation>();
//! let mut ids: Vec<_> = first.rows.into_iter().map(|one| one.id).collect();
//! while let Some(page) = pages.next().await {
//!     ids.extend(page?.rows.into_iter().map(|one| one.id));
//! }
//! ids.sort();
//! ids.dedup();
//! assert_eq!(ids.len(), 250);
//! # Ok(())
//! # }
//! ```
//!
//! # Which way
//!
//! [`get`](Pager::get) for lists and `q64` searches, [`post`](Pager::post) for queries, searches and
//! jobs. An example of each way is in the [guide](crate::guide::lists).
//!
//! | operations | next page by |
//! |---|---|
//! | most lists, and searches by POST | number: in the caller's query, at the top of the body, or in `paging` |
//! | lists with `after` or `cursor` | the link `nextUri`, or a token in the body |
//! | SCIM | the number of the first row |
//! | chats | the id of the last row |
//! | jobs of analytics, audits, usage, work items and cases | started, waited for, then read by cursor, link or number |
//! | lists and arrays without pages | one page |
//!
//! For an operation that the table does not have, describe how it pages:
//! [`with_paging`](PagedRequest::with_paging).
//!
//! # Customising
//!
//! [`PagedRequest`] sets the page size, the field with the rows, bounds of bytes and time, how a job
//! is waited for, and whether pages by number are asked for ahead.
//!
//! # Resuming
//!
//! Each page comes with a [`Checkpoint`]: the place behind it. Whoever stores the rows of a page
//! and its checkpoint together loses none and stores none twice, wherever the program stops. After
//! an error, [`PageError::checkpoint`] leads to the page that failed. While a job is waited for
//! there is no page yet: [`Pages::checkpoint`] names the job then.
//!
//! # Ordering
//!
//! Around the whole stack: a [`Pager`] takes a [`GenesysService`](crate::GenesysService), boxed or
//! not. Without the layers below it works too, and the first 401 or 429 is then the last item.
//!
//! # Cloning
//!
//! A clone of a [`Pager`] or a [`PagedRequest`] is for one stream more. Each request goes through a
//! clone of the service, so limits of concurrency have to be shared by clones, as tower's are.
//!
//! # Errors
//!
//! An error is the last item of the stream. Transport errors and refusals come when the layers
//! below have given up. A page whose answer breaks off after its head is asked for once more, since
//! the layers take an answer for a success when its head is there; the request that starts a job is
//! not. With [`CollectLayer`](crate::CollectLayer) around the client, the stack retries such a page
//! itself, with backoff and within the budget, and the pager asks no second time.
//!
//! A stream ends only where the page says by the rule of its way that it is the last. Any other sign
//! of more on it is [`PageErrorKind::Incomplete`], and the message names the field: `nextUri`,
//! `nextPage`, `cursor`, `cursors.after`, `after`, a number below its count, a total above the rows
//! that have come, a state that says that the answer is not complete. So are fewer rows than the
//! page itself promises. A page that leads back to where the stream has been, another page than was
//! asked for, more than sixteen empty pages in a row, rows in another field, a total that shrinks or
//! leaps, and a link to another host or another operation have kinds of their own.
//!
//! Three things cannot be detected. A row that moves to another page while the total stays the same
//! or grows: so query only intervals that have ended. A page that lost its only sign of more: where
//! a page has nothing but a `nextUri` or a `cursor`, nothing else tells that it is missing. And a
//! chat whose last page is as long as was asked for is asked on, but one cut short is taken for the
//! last.
//!
//! A few operations give a total that is an estimate, is capped, or counts rows that the client may
//! not see. A page that says by its number that it is the last is believed, as long as its page
//! count can hold the total. For the others there is
//! [`without_total`](PagedRequest::without_total).
//!
//! # Cancellation
//!
//! What is dropped is the page in flight, and those that are [asked for ahead][ahead], and no more:
//! a future of `next()` does not even lose these, since the stream keeps them. Nothing is spawned
//! but what is asked for ahead, which ends with the stream. A job that was started goes on at
//! Genesys; [`Pages::checkpoint`] names it.
//!
//! [ahead]: PagedRequest::with_read_ahead

mod ahead;
mod ask;
mod body;
mod checkpoint;
mod description;
mod digest;
mod error;
mod exchange;
mod fetch;
mod job;
mod job_end;
mod known;
mod link;
pub(crate) mod pager;
mod pages;
mod plan;
mod progress;
mod query;
mod request;
mod rule;
mod settings;
mod signs;
mod state;
mod trail;
mod walk;

pub use checkpoint::Checkpoint;
pub use description::Paging;
pub use error::{PageError, PageErrorKind};
pub(crate) use pager::Pager;
pub use pages::{Page, Pages};
pub use request::PagedRequest;
