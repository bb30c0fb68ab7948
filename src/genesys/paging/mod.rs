//! Lists, searches and jobs, as streams of pages that can be resumed.
//!
//! Give a [`Pager`] a path, and for a POST a body. It takes the operation's way
//! to page from the crate's table of the API ([`Paging::of`]), and makes a
//! stream of [`Page`]s with your row type. The layers below handle expired
//! tokens and throttled requests. The stream returns each row once, and never
//! ends early without an error: every fault is a [`PageError`]. The exceptions
//! are [three cases](#errors) that no response shows.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use futures_util::StreamExt;
//! use http_body_util::Full;
//! use serde::Deserialize;
//! use serde_json::json;
//! use tower::Layer;
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
//! let mock = MockGenesys::builder().conversations(250).build();
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build(mock.http_client())?;
//! let genesys = GenesysLayer::new(&org).layer(mock.http_client());
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
//! Use [`get`](crate::Pager::get) for lists and for searches with the parameter
//! `q64`, and [`post`](crate::Pager::post) for queries, other searches and
//! jobs. The [guide](crate::guide::lists) has an example of each way.
//!
//! | operations | the next page is found by |
//! |---|---|
//! | most lists, and searches by POST | number: in the caller's query, at the top level of the request's body, or in the body's object `paging` |
//! | lists with `after` or `cursor` | the link `nextUri`, or a token in the body |
//! | SCIM | the number of the first row |
//! | chats | the id of the last row |
//! | jobs of analytics, audits, usage, work items and cases | cursor, link or number, after the pager has started the job and waited for it |
//! | lists and arrays without pages | nothing: there is one page |
//!
//! For an operation that [`Paging::of`] does not know, describe how it pages:
//! [`with_paging`](PagedRequest::with_paging).
//!
//! # Customising
//!
//! [`PagedRequest`] sets the page size, the field with the rows, bounds on
//! bytes and time, the wait for a job, and, for lists by page number, how many
//! pages are read ahead.
//!
//! ```
//! # use bytes::Bytes;
//! # use futures_util::StreamExt;
//! # use http::Method;
//! # use http_body_util::Full;
//! # use serde_json::{Value, json};
//! # use tower::Layer;
//! # use tower_genesys::{CallOptions, Credentials, GenesysLayer, Org, Pager};
//! # use tower_genesys::genesys::paging::PageErrorKind;
//! # use tower_genesys::testing::{MockGenesys, MockList};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! # let mock = MockGenesys::builder().users(250).build();
//! # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
//! # let org = Org::builder(mock.region()).credentials(keys);
//! # let org = org.build(mock.http_client())?;
//! # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
//! # let pager = Pager::new(&org, genesys);
//! let mut users = pager.get("/api/v2/users")
//!     .with_page_size(100)
//!     .with_read_ahead(2) // pages 2 and 3, while you work on page 1
//!     .with_max_page_bytes(1 << 20)
//!     .with_page_timeout(Duration::from_secs(30))
//!     .with_call_options(CallOptions::new().without_retry())
//!     .pages::<Value>();
//! let page = users.next().await.expect("a page")?;
//! assert_eq!((page.rows.len(), page.total), (100, Some(250)));
//!
//! let details = "/api/v2/analytics/conversations/details";
//! let query = json!({ "interval": mock.interval(), "order": "asc" });
//! let mut job = pager.post(&format!("{details}/jobs"), &query)
//!     .with_poll_interval(Duration::from_secs(5))
//!     .with_job_timeout(Duration::from_secs(600))
//!     .pages::<Value>();
//! assert_eq!(job.next().await.expect("a page")?.rows.len(), 120);
//!
//! let mut few = pager.post(&format!("{details}/query"), &query)
//!     .with_max_rows(100)
//!     .pages::<Value>();
//! let error = few.next().await.expect("an item").unwrap_err();
//! assert_eq!(error.kind(), PageErrorKind::TooManyRows);
//!
//! # let path = "/api/v2/routing/queues";
//! # mock.add_list(Method::GET, path, MockList::new(3).with_hidden_rows(3));
//! // The total counts a queue that this client may not see.
//! let mut queues = pager.get("/api/v2/routing/queues")
//!     .with_rows("entities") // as the API definition says
//!     .without_total()
//!     .pages::<Value>();
//! let page = queues.next().await.expect("a page")?;
//! assert_eq!((page.rows.len(), page.total), (2, None));
//! # Ok(())
//! # }
//! ```
//!
//! # Resuming
//!
//! Each page comes with a [`Checkpoint`], the place after it. Store the rows of
//! a page and its checkpoint together: then no row is lost or stored twice,
//! wherever the program stops. After an error, [`PageError::checkpoint`] leads
//! to the page that failed. During the wait for a job, before the first page,
//! [`Pages::checkpoint`] names the job.
//!
//! # Ordering
//!
//! Around the whole stack: a [`Pager`] takes a
//! [`GenesysService`](crate::GenesysService), boxed or not. It also works
//! without the layers; the first 401 or 429 is then the last item.
//!
//! # Cloning
//!
//! Clone a [`Pager`] or a [`PagedRequest`] for another stream. Each request
//! goes through a clone of the service. So a limit on concurrency bounds all
//! streams together only if clones of the service share the limit, as the
//! clones of tower's `ConcurrencyLimit` do.
//!
//! # Errors
//!
//! An error is the last item of the stream. Transport errors and unsuccessful
//! responses arrive after the layers below have given up. The layers return a
//! response when its head is there. So if a page breaks off after its head, the
//! pager requests it once more. It does not do that for the request that starts
//! a job. With [`CollectLayer`](crate::CollectLayer) around the client, the
//! stack retries such a page, with backoff and within the budget, and the pager
//! does not.
//!
//! A stream ends without an error only if two things hold: the sign that
//! decides for the operation says that the page is the last, and no other field
//! of the page contradicts that. A contradiction is
//! [`PageErrorKind::Incomplete`], and the message names the field:
//!
//! - a link or token that leads to more rows, in `nextUri`, `nextPage`,
//!   `cursor`, `cursors.after` or `after`;
//! - a page number below the page count;
//! - a total above the rows so far;
//! - a state that says that the response is not complete;
//! - fewer rows than the page itself promises.
//!
//! Other faults have their own kinds: a page that leads back to an earlier one,
//! another page than requested, more than sixteen empty pages in a row, rows in
//! a field other than the expected one, a total that shrinks or jumps, and a
//! link to another host or another operation.
//!
//! Three cases cannot be detected:
//!
//! - A row moves to another page while the total stays the same or grows. So
//!   query only intervals that have ended.
//! - A page loses its only sign of more rows: some pages have nothing but a
//!   `nextUri` or a `cursor`.
//! - A page of a chat is cut short. The pager regards any page that is shorter
//!   than requested as the last one.
//!
//! A few operations return a total that is an estimate, is capped, or counts
//! rows that the client may not see. That is no contradiction if the pages have
//! numbers and a page count, and the total is at most the page count times the
//! page size. For other lists, use
//! [`without_total`](PagedRequest::without_total).
//!
//! # Cancellation
//!
//! Dropping the stream drops the page in flight and the pages that it [reads
//! ahead][ahead]. Dropping a future of `next()` loses nothing, because the
//! stream keeps the requests in flight. The stream spawns tasks only to read
//! ahead, and they end with it. A job that was started continues at Genesys;
//! [`Pages::checkpoint`] names it.
//!
//! [ahead]: PagedRequest::with_read_ahead
//! [`Pager`]: crate::Pager

mod ask;
mod belonging;
mod body;
mod checkpoint;
mod description;
mod error;
mod exchange;
mod fetch;
mod job;
mod job_state;
mod known;
mod link;
pub(crate) mod pager;
mod pages;
mod plan;
mod progress;
mod query;
mod request;
mod rule;
mod signs;
mod walk;
mod way;

pub use checkpoint::Checkpoint;
pub use description::Paging;
pub use error::{PageError, PageErrorKind};
pub use pages::Pages;
pub use request::PagedRequest;
pub use walk::Page;
