use std::{any::Any, error::Error, fmt, io};

use super::{Outcome, Stop};
use crate::{BoxError, error::find};

/// An error after which a retry would have helped, and why none was made.
///
/// [`Retry`](super::Retry) puts it around an error of type [`BoxError`] when
/// the [`Stop`] is [`BudgetSpent`](Stop::BudgetSpent),
/// [`BodyGone`](Stop::BodyGone), [`DeadlineTooClose`](Stop::DeadlineTooClose)
/// or [`NoRuntime`](Stop::NoRuntime): the error itself knows nothing of these.
/// Every other error is returned as it came.
///
/// Its text is the reason, and its source is the error.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// use tower_genesys::{RetryLayer, RetryPolicy, retry::{Budget, GaveUp, Stop, Upstream}};
/// use tower_genesys::{ReplayBody, ReplayLayer};
///
/// async fn down(_: Request<ReplayBody<Full<Bytes>>>) -> Result<Response<Empty<Bytes>>, BoxError> {
///     Err("the connection broke".into())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let upstream = Upstream::new().with_budget(Budget::new(1, 1));
/// let client = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(RetryLayer::new(RetryPolicy::new()).with_upstream(upstream))
///     .service(service_fn(down));
///
/// let request = Request::get("https://api.mypurecloud.com/api/v2/users");
/// let request = request.body(Full::default())?;
/// let error = client.oneshot(request).await.unwrap_err();
/// let gave_up = GaveUp::find(&*error).expect("one permit is not enough");
/// assert_eq!((gave_up.outcome().stop, gave_up.outcome().sends), (Stop::BudgetSpent, 2));
/// assert!(error.to_string().starts_with("the request failed and was not resent: the retry budget"));
/// assert_eq!(error.source().map(|cause| cause.to_string()).as_deref(), Some("the connection broke"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GaveUp {
    outcome: Outcome,
    error: BoxError,
}

impl GaveUp {
    /// Puts itself around an error that can hold it, if the outcome is one to
    /// tell.
    pub(super) fn mark<E: 'static>(error: &mut E, outcome: Outcome) {
        let Some(error) = (error as &mut dyn Any).downcast_mut::<BoxError>() else {
            return;
        };
        if reason(outcome.stop).is_some() {
            // An I/O error of a kind alone allocates nothing more than the box.
            let empty = Box::new(io::Error::from(io::ErrorKind::Other));
            let inner = std::mem::replace(error, empty);
            *error = Box::new(Self {
                outcome,
                error: inner,
            });
        }
    }

    /// How the call went, as [`Outcome::of`] says for a response.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The error of the last attempt.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The error of the last attempt.
    pub fn into_inner(self) -> BoxError {
        self.error
    }

    /// The first of its kind in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

/// What the text of the error says; `None` where the error already says all.
const fn reason(stop: Stop) -> Option<&'static str> {
    match stop {
        Stop::BudgetSpent => Some(
            "the retry budget of this upstream is spent, since many of its calls fail at once \
             (`Upstream::with_budget` sets it)",
        ),
        Stop::BodyGone => Some(
            "the body was not kept: make it anew for each attempt (`Remake`), or keep longer \
             streams (`ReplayLayer::with_known_cap`, `with_unknown_cap`)",
        ),
        Stop::DeadlineTooClose => Some(
            "the wait would have ended after the deadline of the call (`RetryPolicy::with_deadline`)",
        ),
        Stop::NoRuntime => Some("there is no tokio runtime to wait on"),
        Stop::Settled
        | Stop::Disabled
        | Stop::NotRepeatable
        | Stop::SendsSpent
        | Stop::RetryAfterTooLong => None,
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request failed and was not resent")?;
        match reason(self.outcome.stop) {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl Error for GaveUp {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}
