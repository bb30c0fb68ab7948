//! Sends requests again that failed, when that can help and does no harm.
//!
//! A [`Retry`] service sends a request, and looks at what comes back. After a 429, a server error
//! or an error of the transport it waits and sends the request again: as often, for as long, and
//! for as many requests as is good for both sides. A failure that is not worth another send is
//! returned at once, and a response is returned as it came, its body unread.
//!
//! ```
//! use http::{Request, Response};
//! use bytes::Bytes;
//! use http_body_util::{Empty, Full};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{RetryLayer, RetryPolicy, retry::{Attempt, Outcome}};
//! use tower_genesys::{ReplayBody, ReplayLayer};
//!
//! /// Is out of order twice.
//! async fn api(
//!     request: Request<ReplayBody<Full<Bytes>>>,
//! ) -> Result<Response<Empty<Bytes>>, BoxError> {
//!     let mut response = Response::new(Empty::new());
//!     if Attempt::of(request.extensions()) < Attempt(3) {
//!         *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
//!     }
//!     Ok(response)
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let client = ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     .layer(RetryLayer::new(RetryPolicy::new()))
//!     .service_fn(api);
//!
//! let request = Request::get("https://api.mypurecloud.com/api/v2/users");
//! let request = request.body(Full::default())?;
//! let response = client.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! let outcome = Outcome::of(response.extensions()).expect("it took more than one send");
//! assert_eq!(outcome.sends, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # What is sent again
//!
//! A [`Classify`] says what a failure means; then these are asked, in this order. The first that
//! says no ends the call, and the [`Outcome`] in the response's extensions names it.
//!
//! | question | where the answer comes from | [`Stop`] |
//! |---|---|---|
//! | can it help? | [`Classify`] | `Settled` |
//! | is it wanted? | [`CallOptions::without_retry`][without] | `Disabled` |
//! | may this request be executed twice? | see below | `NotRepeatable` |
//! | is the body still there? | [`CloneBody`](crate::replay::CloneBody) | `BodyGone` |
//! | are there sends left? | [`RetryPolicy`]: 4 in all | `SendsSpent` |
//! | is the server's `Retry-After` acceptable? | [`RetryPolicy`]: 180 s | `RetryAfterTooLong` |
//! | does the wait end in time? | the deadline of the call: 5 min | `DeadlineTooClose` |
//! | is there a runtime to wait on? | tokio | `NoRuntime` |
//! | can the API bear it? | [`Budget`], not asked after a 429 | `BudgetSpent` |
//!
//! | failure | sent again |
//! |---|---|
//! | 429; no connection; not processed by the server | any method |
//! | 408, 500, 502, 503, 504 | GET, HEAD, OPTIONS, TRACE, PUT, DELETE |
//! | connection broken, attempt timed out | the same, PUT and DELETE [if wanted][broken] |
//!
//! Some failures were no load for the API: HTTP/2 streams that the server refused or that are above
//! the last one of its `GOAWAY`, requests of which nothing was written, and repeatable requests on a
//! pooled connection that broke. After these, the first resend is made at once and the second after
//! the backoff, both outside of the budget. From the third on they are like any other.
//!
//! [`CallOptions::with_repeatable`](crate::CallOptions::with_repeatable) overrides the method for one
//! request, and [`RetryLayer::with_repeatable`] for those that a predicate knows.
//!
//! [`CallOptions`](crate::CallOptions) also sets the number of sends, the attempt time-out, the
//! deadline, and further statuses that are transient, for one request. A retry after a 404 for
//! something that was created a moment ago is bounded that way:
//! [`transient_statuses`](crate::CallOptions::with_transient_statuses).
//!
//! Only then the old body is revoked, the old response drained (so that its connection can be used
//! again), the time waited, the service made ready and the request sent. While it waits, the call
//! holds no connection, no permit, no response and no readied service.
//!
//! # How long it waits
//!
//! For the server's [`RetryAfter`], and never less; else for the [`Backoff`]: a random time up to
//! 3 s, 6 s, 12 s. After a 429 the [`Throttle`] holds back the first sends of other requests to
//! the same endpoint too, and lets all go one by one when the time is over, at a pace that grows
//! until the next 429. What several layers or clients share of this is an [`Upstream`].
//!
//! # Customising
//!
//! ```
//! use std::time::Duration;
//! use http::Method;
//! use tower_genesys::{RetryLayer, RetryPolicy, retry::{Backoff, Budget, Throttle, Upstream}};
//!
//! const POLICY: RetryPolicy = RetryPolicy::new()
//!     .with_max_sends(3)
//!     .with_deadline(Duration::from_secs(20))
//!     .with_backoff(Backoff::new().with_base(Duration::from_millis(500)));
//!
//! let upstream = Upstream::new().with_budget(Budget::for_requests_per_minute(600));
//! let layer = RetryLayer::new(POLICY)
//!     .with_upstream(upstream)
//!     .with_repeatable(|method, uri| {
//!         (method == Method::POST && uri.path().ends_with("/search")).then_some(true)
//!     });
//! assert_ne!(POLICY, RetryPolicy::default());
//! # let _ = layer;
//! ```
//!
//! # Ordering
//!
//! Outside of [`RefreshLayer`](crate::refresh) and [`BearerLayer`](crate::bearer): what is sent
//! again gets the token of that moment. Retry then keeps the only copy of the request. A refresh
//! further in that finds a refused token hands the resend to it: at once, without backoff or
//! budget, once per call. So a call makes at most five sends by default, however 401 and 503 may
//! alternate.
//!
//! A retry layer inside of another one, or inside of a refresh layer, passes everything through:
//! two layers that send again do not multiply. Have one [`Replay`](crate::replay) for all of them:
//! a second one in between hides from the inner layer that the outer one keeps a copy. It then
//! retries the first send of the outer layer, and passes that one's resends (known by [`Attempt`])
//! through: 4 + 3 sends in all by default, and two copies of the body.
//!
//! A limit of concurrency or rate belongs inside, where each attempt asks for its permit; a
//! time-out for the whole call outside. What each does in another place is on
//! [a page of its own](crate::guide::ordering).
//!
//! # Panics
//!
//! Waiting needs a tokio runtime. Outside of one, a failure is returned at once; on one without the
//! time driver, or when the future leaves the runtime on which it has decided to wait, it panics. A
//! reader that is given to [`RetryLayer::with_limit_reader`] should not panic: the call would.
//!
//! # Cloning
//!
//! The layer, its services and their clones share one [`Upstream`], unless another one is given.
//! A clone costs a reference count, and the clone of the inner service.
//!
//! # Errors
//!
//! The inner service's error, from the last attempt or from the `poll_ready` before it. A time-out
//! only ever ends an attempt in favour of another.
//!
//! An error cannot carry an [`Outcome`] as a response does. If a retry would have helped and the
//! budget, the body, the deadline or the runtime did not allow it, the error comes inside a
//! [`GaveUp`], whose text says so; [`GaveUp::find`] has the `Outcome`. That needs an error type
//! which can hold it, [`BoxError`](crate::BoxError). Any other type is returned as it came, and only
//! [`RetryEvent::GaveUp`] names the reason.
//!
//! # Cancellation
//!
//! The future may be dropped at any time: its place in the queue of the throttle goes to the next,
//! and everything else is released with it. Nothing runs in the background.
//!
//! [broken]: RetryPolicy::with_broken_writes
//! [without]: crate::CallOptions::without_retry

mod backoff;
mod budget;
mod call;
mod classify;
mod future;
mod gave_up;
pub(crate) mod layer;
mod observer;
mod outcome;
pub(crate) mod policy;
mod retry_after;
mod service;
mod settings;
mod timeout;
mod upstream;

pub use crate::throttle::{LimitScope, NamedLimit, Throttle};
pub use backoff::Backoff;
pub use budget::Budget;
pub use classify::{
    BoxErrorClassifier, Class, Classify, ErrorClassifier, RequestHead, ResponseHead,
    TRANSIENT_STATUSES,
};
pub use future::ResponseFuture;
pub use gave_up::GaveUp;
pub(crate) use layer::RetryLayer;
pub use observer::{RetryEvent, RetryObserver};
pub use outcome::{Attempt, Outcome, Stop};
pub(crate) use policy::RetryPolicy;
pub use retry_after::RetryAfter;
pub use service::Retry;
pub use upstream::Upstream;
