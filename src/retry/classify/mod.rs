//! What a failure means for the request: pure functions of the request's head,
//! and of a response's head or of an error.

use std::time::SystemTime;

use http::StatusCode;

use super::RetryAfter;

mod chain;
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
        /// How long to wait at least, if the server said so.
        after: Option<RetryAfter>,
    },
    /// No connection was made: any method may be resent, with backoff and
    /// within the budget, since the host may be down.
    NotSent,
    /// A connection was there, and the server has not processed the request: it
    /// refused the stream, ended the connection before it, or nothing of the
    /// request was written. Any method may be resent. The API had no load from
    /// it, so the first two resends of a call draw on no budget, and the first
    /// is made at once.
    Unprocessed,
    /// A connection that had served earlier requests broke, as pooled ones do
    /// when the server closes them. The request may have been executed: a
    /// repeatable one is resent as after [`Unprocessed`](Self::Unprocessed).
    StaleConnection,
    /// The server may have executed the request, and a resend may succeed. Only
    /// repeatable requests may be resent.
    Transient {
        /// How long to wait at least, if the server said so.
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
/// /// A gateway that answers 520 when it does not reach the API. Exports may
/// /// have begun by then.
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
///             _ => Classify::<BoxError>::response(&self.0, request, response),
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
/// One that panics is taken to say [`Class::Final`]: the answer goes to the
/// caller as it came.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what the error `{E}` means",
    note = "`RetryLayer::new` is for services whose error is `BoxError`, as it is around `BearerLayer`; around a client itself use `RetryLayer::typed`"
)]
pub trait Classify<E> {
    /// What this answer to this request means.
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class;

    /// What this error in place of an answer to this request means.
    fn error(&self, request: RequestHead<'_>, error: &E) -> Class;
}

/// The statuses after which a repeatable request is sent again, unless a
/// classifier is given others: those for which Genesys documents a transient
/// cause (408 `client.timeout`, 500 `internal.server.error`, 503
/// `service.unavailable`, 504 `request.timeout`), and 502, which a load
/// balancer in front of it gives.
///
/// How to classify in another way is at [`Classify`].
pub const TRANSIENT_STATUSES: &[StatusCode] = &[
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

impl Class {
    /// Whether this failure has cost the API nothing worth a budget.
    pub(super) const fn is_no_load(self) -> bool {
        matches!(self, Self::Unprocessed | Self::StaleConnection)
    }
}

fn classify_response(transient: &[StatusCode], response: ResponseHead<'_>) -> Class {
    let status = response.status();
    if status.is_success() {
        return Class::Final;
    }
    let after = || RetryAfter::from_headers(response.headers(), SystemTime::now());
    if status == StatusCode::TOO_MANY_REQUESTS {
        Class::Throttled { after: after() }
    } else if transient.contains(&status) {
        Class::Transient { after: after() }
    } else {
        Class::Final
    }
}
