//! What a failure means for the request: pure functions of a response's head, or of an error.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

use super::RetryAfter;

mod chain;
mod errors;
#[cfg(feature = "hyper")]
mod transport;

pub use errors::{BoxErrorClassifier, ErrorClassifier};

/// What came of sending a request once, as far as sending it again is concerned.
///
/// An example is at [`Classify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Sending it again changes nothing, or nobody knows that it would.
    Final,
    /// The server asks for fewer requests, and did not execute this one: any method may be sent
    /// again.
    Throttled {
        /// How long to wait at least, if the server said so.
        after: Option<RetryAfter>,
    },
    /// No connection was made: any method may be resent, with backoff and within the budget, since
    /// the host may be down.
    NotSent,
    /// A connection was there, and the server has not processed the request: it refused the stream,
    /// ended the connection before it, or nothing of the request was written. Any method may be
    /// resent. The API had no load from it, so the first two resends of a call draw on no budget,
    /// and the first is made at once.
    Unprocessed,
    /// A connection that had served earlier requests broke, as pooled ones do when the server closes
    /// them. The request may have been executed: a repeatable one is resent as after
    /// [`Unprocessed`](Self::Unprocessed).
    StaleConnection,
    /// It may have been executed, and may go well the next time: what is repeatable may be sent
    /// again.
    Transient {
        /// How long to wait at least, if the server said so.
        after: Option<RetryAfter>,
    },
}

/// Decides what a failure means.
///
/// An implementation should depend on nothing but its arguments: it is asked once per send, at
/// any time. Wrap [`BoxErrorClassifier`] to change single verdicts.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tower_genesys::{BoxError, retry::{BoxErrorClassifier, Class, Classify}};
///
/// /// A gateway that answers 520 when the API is not reached.
/// struct Gateway(BoxErrorClassifier);
///
/// impl Classify<BoxError> for Gateway {
///     fn response(&self, status: StatusCode, headers: &HeaderMap) -> Class {
///         match status.as_u16() {
///             520 => Class::NotSent,
///             _ => Classify::<BoxError>::response(&self.0, status, headers),
///         }
///     }
///
///     fn error(&self, error: &BoxError) -> Class {
///         self.0.error(error)
///     }
/// }
///
/// let gateway = Gateway(BoxErrorClassifier::new());
/// let status = StatusCode::from_u16(520)?;
/// assert_eq!(gateway.response(status, &HeaderMap::new()), Class::NotSent);
/// # Ok::<(), http::status::InvalidStatusCode>(())
/// ```
///
/// One that panics is taken to say [`Class::Final`]: the answer goes to the caller as it came.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what the error `{E}` means",
    note = "`RetryLayer::new` is for services whose error is `BoxError`, as it is around `BearerLayer`; around a client itself use `RetryLayer::typed`"
)]
pub trait Classify<E> {
    /// What this head of a response means.
    fn response(&self, status: StatusCode, headers: &HeaderMap) -> Class;

    /// What this error means.
    fn error(&self, error: &E) -> Class;
}

/// The statuses after which a repeatable request is sent again, unless a classifier is given
/// others: those for which Genesys documents a transient cause (408 `client.timeout`, 500
/// `internal.server.error`, 503 `service.unavailable`, 504 `request.timeout`), and 502, which a
/// load balancer in front of it gives.
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

fn classify_response(transient: &[StatusCode], status: StatusCode, headers: &HeaderMap) -> Class {
    if status.is_success() {
        return Class::Final;
    }
    let after = || RetryAfter::from_headers(headers, SystemTime::now());
    if status == StatusCode::TOO_MANY_REQUESTS {
        Class::Throttled { after: after() }
    } else if transient.contains(&status) {
        Class::Transient { after: after() }
    } else {
        Class::Final
    }
}
