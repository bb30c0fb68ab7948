//! Retries failed requests when a retry can help and is safe.
//!
//! [`Retry`] sends a request and looks at the result. After a 429, a server
//! error or a transport error it waits and resends the request, within limits
//! on attempts and time, and within the [budget](#the-budget) for all calls. It
//! resends at once after a 401 of a token that was renewed, and returns any
//! other failure. It never reads the body of a response that it returns. The
//! [`Outcome`] in the extensions of a response says how the call went. The
//! terms are in the [glossary](crate#glossary).
//!
//! ```text
//! 503, three retries, each after a random wait of up to 3 s, 6 s, 12 s:
//!   send ─ 503 ~~~ send ─ 503 ~~~~~~~ send ─ 503 ~~~~~~~~~~~~~~ send ─► caller
//!
//! 429: the throttle holds the other calls to the path, too, then paces them:
//!   send ─ 429 ~~~~~ Retry-After: 20 ~~~~~ send ─► caller
//!              other calls wait ~~~~~~~~~~ send, send, send ...
//!
//! 429 that asks for more than 180 s, or past the deadline of 5 min:
//!   send ─ 429 ─► caller, with the reason in its `Outcome`
//!
//! 401 of a token that was renewed: no wait, no budget, once per call:
//!   send ─ 401 ─ send ─► caller
//! ```
//!
//! ```
//! use http::{Request, Response};
//! use bytes::Bytes;
//! use http_body_util::{Empty, Full};
//! use tower::{BoxError, ServiceBuilder, ServiceExt};
//! use tower_genesys::{
//!     ReplayBody, ReplayLayer, RetryLayer, RetryPolicy,
//!     retry::{Attempt, Outcome},
//! };
//!
//! /// Fails twice.
//! async fn api(
//!     request: Request<ReplayBody<Full<Bytes>>>,
//! ) -> Result<Response<Empty<Bytes>>, BoxError> {
//!     let mut response = Response::new(Empty::new());
//!     if Attempt::of(request.extensions()).get() < 3 {
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
//! let outcome = Outcome::of(response.extensions()).expect("it retried");
//! assert_eq!(outcome.sends, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # What is retried
//!
//! `Retry` asks these questions in this order. The first "no" ends the call,
//! and the [`Stop`] in its [`Outcome`], if it has one (see below), names the
//! question.
//!
//! | question | the answer comes from | [`Stop`] |
//! |---|---|---|
//! | can a resend help? | [`Classify`] | `Settled` |
//! | are retries on? | [`CallOptions::without_retry`][without] | `Disabled` |
//! | may this request be executed twice? | the next table | `NotRepeatable` |
//! | is the body still there? | [`CloneBody`](crate::replay::CloneBody) | `BodyGone` |
//! | are there sends left? | [`RetryPolicy`]: 4 in all, and the replay after a 401 on top | `SendsSpent` |
//! | is the server's `Retry-After` acceptable? | [`RetryPolicy`]: 180 s | `RetryAfterTooLong` |
//! | does the wait end in time? | the deadline of the call: 5 min | `DeadlineTooClose` |
//! | is there a runtime to wait on? | tokio | `NoRuntime` |
//! | is there a permit left? | [`Budget`], not asked after a 429 | `BudgetSpent` |
//!
//! The failure decides which methods are retried. After the failures of the
//! first row, the API has certainly not executed the request:
//!
//! | failure | retried methods |
//! |---|---|
//! | 429; no connection; not processed by the server | all |
//! | 408, 500, 502, 503, 504 | GET, HEAD, OPTIONS, TRACE, PUT, DELETE |
//! | connection broken, attempt timed out | the same; PUT and DELETE can be [excluded][broken] |
//!
//! Three settings change these rows:
//!
//! - [`CallOptions::with_repeatable`](crate::CallOptions::with_repeatable)
//!   decides the second and the third row for one request.
//! - [`RetryLayer::with_repeatable`] sets a predicate for them. In a
//!   [`GenesysLayer`](crate::GenesysLayer) it is
//!   [`is_read_only`](crate::genesys::is_read_only): POSTs that only read are
//!   retried like a GET.
//! - [`CallOptions::with_transient_statuses`](crate::CallOptions::with_transient_statuses)
//!   adds statuses for one request, such as a 404 for something that was
//!   created a moment ago. A 4xx other than 408 joins the first row, any other
//!   status the second.
//!
//! [`CallOptions`](crate::CallOptions) also sets the number of sends, the
//! attempt time-out and the deadline of one request.
//!
//! If every answer is "yes", `Retry` does this:
//!
//! 1. It invalidates the old body, so that a connection that is still sending
//!    it stops.
//! 2. It drains the old response, so that its connection can be reused.
//! 3. It waits. During the wait the call has no connection, no response and no
//!    readied service, so it takes no place in a limit on concurrency.
//! 4. It makes the service ready and resends the request.
//!
//! A response has an `Outcome` if the call took more than one send, if it
//! waited in the throttle, or if a retry would have helped and was not made.
//!
//! # How long it waits
//!
//! `Retry` waits at least as long as the server's [`RetryAfter`] says. Without
//! one, or if that is zero, it waits for the [`Backoff`]: a random time up to
//! 3 s, 6 s, 12 s.
//!
//! After a 429, the [`Throttle`] also holds the first sends of other requests
//! to the same path. When the wait is over, it releases all of them one by one,
//! at a pace that grows until the next 429.
//!
//! Some failures are no load for the API:
//!
//! - an HTTP/2 stream that the server refused, or whose id is above the last
//!   one that the server's `GOAWAY` names,
//! - a request of which nothing was written,
//! - a repeatable request on a connection of [`Client`](crate::client) that
//!   broke after it had served earlier requests.
//!
//! The first resend after such a failure is immediate, and the second follows
//! the backoff, both outside of the budget. From the third such failure of a
//! call on, each is treated like any other failure.
//!
//! # The budget
//!
//! The [`Budget`] limits the retries of all calls together: by default 50
//! permits, and 45 more each minute. Budget and throttle form an [`Upstream`].
//! A [`RetryLayer`] has its own. With a `GenesysLayer`, all calls of one
//! [`Org`](crate::Org) share one.
//!
//! # Customising
//!
//! ```
//! use std::time::Duration;
//! use http::Method;
//! use tower_genesys::{
//!     RetryLayer, RetryPolicy,
//!     retry::{Backoff, Budget, Upstream},
//! };
//!
//! const POLICY: RetryPolicy = RetryPolicy::new()
//!     .with_max_sends(3)
//!     .with_deadline(Duration::from_secs(20))
//!     .with_backoff(Backoff::new().with_base(Duration::from_millis(500)));
//!
//! let budget = Budget::for_requests_per_minute(600);
//! let upstream = Upstream::new().with_budget(budget);
//! let layer = RetryLayer::new(POLICY)
//!     .with_upstream(upstream)
//!     .with_repeatable(|method, uri| {
//!         let search = uri.path().ends_with("/search");
//!         (method == Method::POST && search).then_some(true)
//!     });
//! assert_ne!(POLICY, RetryPolicy::default());
//! # let _ = layer;
//! ```
//!
//! # Ordering
//!
//! Put `RetryLayer` outside of [`RefreshLayer`](crate::refresh) and
//! [`BearerLayer`](crate::bearer), so that a resend gets the token of that
//! moment. Of the layers that resend, only `Retry` then keeps a copy of the
//! request. When `Refresh` (inside `Retry`) sees a refused token, it asks
//! `Retry` to resend. `Retry` does so immediately, once per call, without
//! backoff and without charging the budget. So a call makes at most five sends
//! by default, however 401 and 503 alternate.
//!
//! A retry layer inside of another one, or inside of a refresh layer, passes
//! everything through, so that their sends do not multiply.
//!
//! Use one [`Replay`](crate::replay) for all layers that resend. With a second
//! `Replay` between two retry layers, the inner retry layer cannot see that the
//! outer one keeps a copy. It then retries the first send of the outer retry
//! layer: 4 sends by default. It recognises the 3 resends of the outer retry
//! layer by their [`Attempt`], and passes them through. So a call makes 4 + 3
//! sends, and the body is kept twice.
//!
//! Put a limit on concurrency or rate inside, where it counts each send, and a
//! time-out for the whole call outside. [Ordering](crate::guide::ordering) says
//! how each layer behaves elsewhere.
//!
//! # Requirements
//!
//! - The request body can be cloned ([`CloneBody`](crate::replay::CloneBody)),
//!   as inside of a `ReplayLayer`.
//! - The service's error is a [`BoxError`](crate::BoxError), as that of
//!   `Bearer`. For another type of error, use [`RetryLayer::typed`].
//!
//! # Panics
//!
//! Outside of any tokio runtime, no call waits: a failure whose retry needs a
//! wait is returned at once. A wait panics in two cases: the runtime has no
//! time driver; or the wait began inside of a runtime, and the future is then
//! polled outside of any. A panic in a function or an observer that the layer
//! was given panics the call. A panic in a [`Classify`] does not: the result
//! counts as final.
//!
//! # Cloning
//!
//! The layer, its services and their clones share one [`Upstream`], unless
//! another one is given. A clone costs a reference count and a clone of the
//! inner service.
//!
//! # Errors
//!
//! The inner service's error, from the last attempt or from the `poll_ready`
//! before it. The attempt time-out ends an attempt only if another attempt can
//! follow.
//!
//! An error cannot carry an [`Outcome`] as a response does. If a retry might
//! have helped, but the kind of request, the budget, the body, the deadline or
//! the runtime did not allow it, a [`GaveUp`] wraps the error. Its message
//! names the reason, and [`GaveUp::find`] finds it, with the `Outcome`. Only a
//! [`BoxError`](crate::BoxError) can be wrapped. An error of another type is
//! returned unchanged, and only [`RetryEvent::GaveUp`] names the reason.
//!
//! # Cancellation
//!
//! You may drop the future at any time. Its place in the throttle's queue goes
//! to the next call, and everything else is dropped with it. Nothing runs in
//! the background.
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
