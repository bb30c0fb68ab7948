use std::{any::Any, error::Error, fmt, io};

use super::{Outcome, Stop};
use crate::{BoxError, error::find};

/// The error of a call for which a retry might have helped, with the reason why
/// `Retry` made none.
///
/// [`Retry`](super::Retry) wraps an error of type [`BoxError`] in it if the
/// [`Stop`] is [`NotRepeatable`](Stop::NotRepeatable),
/// [`BodyGone`](Stop::BodyGone), [`DeadlineTooClose`](Stop::DeadlineTooClose),
/// [`NoRuntime`](Stop::NoRuntime) or [`BudgetSpent`](Stop::BudgetSpent),
/// because the error itself does not say so. It returns every other error
/// unchanged.
///
/// The text names the reason, and the source is the error of the last attempt.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{Empty, Full};
/// use tower::{BoxError, ServiceBuilder, ServiceExt};
/// use tower_genesys::{
///     ReplayBody, ReplayLayer, RetryLayer,
///     retry::{Budget, GaveUp, Stop, Upstream},
/// };
///
/// async fn down(
///     _: Request<ReplayBody<Full<Bytes>>>,
/// ) -> Result<Response<Empty<Bytes>>, BoxError> {
///     Err("the connection broke".into())
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let upstream = Upstream::new().with_budget(Budget::new(1, 1));
/// let client = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(RetryLayer::default().with_upstream(upstream))
///     .service_fn(down);
///
/// let request = Request::get("https://api.mypurecloud.com/api/v2/users");
/// let request = request.body(Full::default())?;
/// let error = client.oneshot(request).await.unwrap_err();
/// let gave_up = GaveUp::find(&*error).expect("one permit is not enough");
/// let outcome = gave_up.outcome();
/// assert_eq!((outcome.stop, outcome.sends), (Stop::BudgetSpent, 2));
/// assert_eq!(gave_up.get_ref().to_string(), "the connection broke");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GaveUp {
    outcome: Outcome,
    error: BoxError,
}

impl GaveUp {
    /// Wraps the error of a call, if its type is [`BoxError`] and the stop is
    /// one that the error does not explain.
    pub(super) fn mark<E: 'static>(error: &mut E, outcome: Outcome) {
        let Some(error) = (error as &mut dyn Any).downcast_mut::<BoxError>() else {
            return;
        };
        if reason(outcome.stop).is_some() {
            // The error is behind a reference, so something must replace it
            // while it is wrapped. This one allocates only the box.
            let empty = Box::new(io::Error::from(io::ErrorKind::Other));
            let inner = std::mem::replace(error, empty);
            *error = Box::new(Self {
                outcome,
                error: inner,
            });
        }
    }

    /// Returns the outcome of the call, as [`Outcome::of`] does for a response.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns a reference to the error of the last attempt.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// Returns the error of the last attempt.
    pub fn into_inner(self) -> BoxError {
        self.error
    }

    /// Finds the first `GaveUp` in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

/// Returns the reason for the text, with the next step. `None` if the error
/// needs no more explanation.
const fn reason(stop: Stop) -> Option<&'static str> {
    match stop {
        Stop::NotRepeatable => Some(
            "the API may have executed it, and executing it twice may do harm; check whether it did, \
             or mark a request that may be executed twice with `CallOptions::with_repeatable`",
        ),
        Stop::BudgetSpent => Some(
            "the retry budget of this upstream is spent, because many of its calls fail at once; \
             try again later (`Upstream::with_budget` sets the budget)",
        ),
        Stop::BodyGone => Some(
            "its body was not kept; give the request a `replay::Remake`, or raise the caps of \
             `ReplayLayer` (`with_known_cap`, `with_unknown_cap`)",
        ),
        Stop::DeadlineTooClose => Some(
            "the wait would have ended after the deadline of the call; raise it with \
             `RetryPolicy::with_deadline`, or try again later",
        ),
        Stop::NoRuntime => {
            Some("there is no tokio runtime to wait on; poll the call inside of one")
        }
        Stop::Settled | Stop::Disabled | Stop::SendsSpent | Stop::RetryAfterTooLong => None,
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
