//! What comes in pages, as a stream that can be gone on with later.
//!
//! Genesys Cloud pages in three ways, and a [`Pager`] knows them: by page number in the body of a
//! POST ([`Pager::query`]) or in the query of a GET ([`Pager::numbered`]), by the `nextUri` of the
//! page before ([`Pager::linked`]), and by the cursor of a job ([`Pager::job`]). Each makes a
//! stream of [`Page`]s with rows of a type of yours. It goes on across tokens that expire and
//! requests that are throttled, since the layers below see to that; and it never ends as if all
//! were there when it is not: whatever is wrong is a [`PageError`].
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
//!     .build::<Full<Bytes>, _>(mock.service())?;
//! let genesys = ServiceBuilder::new().layer(GenesysLayer::new(&org)).service(mock.service());
//! let pager = Pager::new::<Full<Bytes>, _>(&org, genesys);
//!
//! mock.on(DETAILS_QUERY).nth(2).revoke_token(); // in the middle of the job
//! let query = json!({ "interval": mock.interval(), "order": "asc" });
//! let path = "/api/v2/analytics/conversations/details/query";
//! let mut pages = pager.query(path, &query).pages::<Conversation>();
//! let first = pages.next().await.expect("a page")?;
//! assert_eq!((first.items.len(), first.total), (100, Some(250)));
//! drop(pages);
//!
//! // In another process: exactly the rows that are left.
//! let saved = serde_json::to_string(&first.checkpoint)?;
//! let mut pages = pager.query(path, &query)
//!     .resume(serde_json::from_str(&saved)?)
//!     .pages::<Conversation>();
//! let mut ids: Vec<_> = first.items.into_iter().map(|one| one.id).collect();
//! while let Some(page) = pages.next().await {
//!     ids.extend(page?.items.into_iter().map(|one| one.id));
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
//! | what | way |
//! |---|---|
//! | analytics queries, up to 100,000 rows | [`query`](Pager::query) |
//! | analytics over long intervals | [`job`](Pager::job) |
//! | lists whose pages have a `nextUri`, such as users and queues | [`linked`](Pager::linked) |
//! | lists that only count their pages | [`numbered`](Pager::numbered) |
//!
//! # Customising
//!
//! [`PagedRequest`] sets the page size, the field that the rows are in, bounds of bytes and time,
//! how a job is waited for, and whether numbered pages are asked for ahead.
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
//! Around the whole stack: a [`Pager`] takes a [`GenesysService`](super::GenesysService), boxed or
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
//! the layers take an answer for a success when its head is there; an answer that starts a job is
//! not.
//!
//! What the API itself gets wrong is an error rather than an endless stream or a short one: a page
//! that leads back to where the stream has been, another page than was asked for, more than sixteen
//! empty pages in a row, a page that is too short, rows in another field than was named, an end
//! before all of the total have come, a total that shrinks, a link to another host. What is not
//! noticed is a row that changes its place while the total stays or grows: let intervals have
//! ended.
//!
//! A few paths give a total that is an estimate, is capped, or counts rows that the client may not
//! see. Nearly all of these number their pages, and a page that says by its number that it is the
//! last one is believed, whatever the total. For the others there is
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
mod body;
mod checkpoint;
mod digest;
mod error;
mod exchange;
mod fetch;
mod job;
mod job_end;
mod link;
mod linked;
mod numbered;
mod pager;
mod pages;
mod request;
mod walk;

pub use checkpoint::Checkpoint;
pub use error::{PageError, PageErrorKind};
pub use pager::Pager;
pub use pages::{Page, Pages};
pub use request::PagedRequest;
