//! Decides what a failure means for its request, from the head of the request
//! and the head of the response or the error. It keeps no state.
//!
//! `errors` searches the causes of an error for one that this crate knows;
//! `transport` knows those of hyper, h2 and reqwest.

use std::time::SystemTime;

use http::StatusCode;

use super::RetryAfter;

mod errors;
mod head;
#[cfg(feature = "hyper")]
mod transport;

pub use errors::{BoxErrorClassifier, ErrorClassifier};
pub use head::{RequestHead, ResponseHead};

/// The result of one send, in terms of whether a resend can help.
///
/// [`Classify`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// A resend would not help, or it is unknown whether it would.
    Final,
    /// The server asks for fewer requests, and did not execute this one. Any
    /// method may be resent.
    Throttled {
        /// The minimum wait, if the server named one.
        after: Option<RetryAfter>,
    },
    /// No connection was made: any method may be resent, with backoff and
    /// within the budget, since the host may be down.
    NotSent,
    /// There was a connection, and the server did not process the request: it
    /// refused the stream, it closed the connection before the request was
    /// written, or nothing of the request was written for another reason. Any
    /// method may be resent.
    ///
    /// The request was no load for the API. So the first two resends of a call
    /// after such failures draw on no budget, and the first is immediate.
    Unprocessed,
    /// A connection that had served earlier requests broke, as pooled
    /// connections do when the server closes them. The request may have been
    /// executed, so only a repeatable one is resent, and in the same way as
    /// after [`Unprocessed`](Self::Unprocessed).
    StaleConnection,
    /// The server may have executed the request, and a resend may succeed. Only
    /// repeatable requests may be resent.
    Transient {
        /// The minimum wait, if the server named one.
        after: Option<RetryAfter>,
    },
}

/// Decides what a failure means.
///
/// The result should depend on the arguments only: `Retry` asks once per send,
/// at any time. Wrap [`BoxErrorClassifier`] to change single verdicts.
///
/// ```
/// use http::{Request, Response};
/// use tower_genesys::{
///     BoxError,
///     retry::{BoxErrorClassifier, Class, Classify, RequestHead, ResponseHead},
/// };
///
/// /// A gateway that returns 520 when it does not reach the API. Exports may
/// /// have started by then.
/// struct Gateway(BoxErrorClassifier);
///
/// impl Classify<BoxError> for Gateway {
///     fn response(
///         &self,
///         request: RequestHead<'_>,
///         response: ResponseHead<'_>,
///     ) -> Class {
///         let exports = request.uri().path().ends_with("/exports");
///         match response.status().as_u16() {
///             520 if !exports => Class::NotSent,
///             _ => self.0.response(request, response),
///         }
///     }
///
///     fn error(&self, request: RequestHead<'_>, error: &BoxError) -> Class {
///         self.0.error(request, error)
///     }
/// }
///
/// let gateway = Gateway(BoxErrorClassifier::new());
/// let class = |path: &str| {
///     let request = Request::post(path).body(())?;
///     let response = Response::builder().status(520).body(())?;
///     let heads = (RequestHead::of(&request), ResponseHead::of(&response));
///     Ok::<_, http::Error>(gateway.response(heads.0, heads.1))
/// };
/// assert_eq!(class("/api/v2/users")?, Class::NotSent);
/// assert_eq!(class("/api/v2/exports")?, Class::Final);
/// # Ok::<(), http::Error>(())
/// ```
///
/// If a classifier panics, the result counts as [`Class::Final`]: the caller
/// gets the response unchanged.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what the error `{E}` means",
    note = "`RetryLayer::new` is for services whose error is `BoxError`, as it is around `BearerLayer`; around a client itself use `RetryLayer::typed`"
)]
pub trait Classify<E> {
    /// Returns the class of a response to this request.
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class;

    /// Returns the class of an error, which this request got instead of a
    /// response.
    fn error(&self, request: RequestHead<'_>, error: &E) -> Class;
}

/// The statuses after which a repeatable request is resent by default.
///
/// Genesys documents a transient cause for 408 (`client.timeout`), 500
/// (`internal.server.error`), 503 (`service.unavailable`) and 504
/// (`request.timeout`). A load balancer in front of it returns 502.
///
/// Set others with [`BoxErrorClassifier::with_statuses`]:
///
/// ```
/// use http::StatusCode;
/// use tower_genesys::{
///     RetryLayer,
///     retry::{BoxErrorClassifier, TRANSIENT_STATUSES},
/// };
///
/// const STATUSES: &[StatusCode] =
///     &[StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE];
/// assert!(STATUSES.iter().all(|it| TRANSIENT_STATUSES.contains(it)));
/// let classifier = BoxErrorClassifier::new().with_statuses(STATUSES);
/// let layer = RetryLayer::default().with_classifier(classifier);
/// # let _ = layer;
/// ```
pub const TRANSIENT_STATUSES: &[StatusCode] = &[
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

impl Class {
    /// Whether this failure was no load for the API, so that a resend does not
    /// prolong an outage.
    pub(super) const fn is_no_load(self) -> bool {
        matches!(self, Self::Unprocessed | Self::StaleConnection)
    }
}

/// Returns the class of a response, with these statuses as transient.
fn classify_response(transient: &[StatusCode], response: ResponseHead<'_>) -> Class {
    let status = response.status();
    if status.is_success() {
        return Class::Final;
    }
    let after = || RetryAfter::from_headers(response.headers(), SystemTime::now());
    // A 429 comes first: with it in the list of transient statuses, only
    // repeatable requests would be resent, although none was executed.
    if status == StatusCode::TOO_MANY_REQUESTS {
        Class::Throttled { after: after() }
    } else if transient.contains(&status) {
        Class::Transient { after: after() }
    } else {
        Class::Final
    }
}
