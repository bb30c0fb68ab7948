use std::time::Duration;

use http::Extensions;

/// Response extension that reports how the call went: its sends, its waits and
/// why it ended.
///
/// A response has it if the call took more than one send, if it waited in the
/// throttle, or if a retry would have helped and was not made. A final response
/// to a first send that did not wait has none, so that such a call allocates
/// nothing.
///
/// The [module docs](super) have an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The reason why the request was not resent after this response.
    pub stop: Stop,
    /// The number of sends.
    pub sends: u32,
    /// The time from the first poll of the call to this response.
    pub elapsed: Duration,
    /// The part of [`elapsed`](Self::elapsed) that the call waited between
    /// sends and in the throttle.
    pub waited: Duration,
    /// The part of [`waited`](Self::waited) that the call waited for slots of a
    /// shared [`Limit`](crate::store::Limit).
    pub waited_for_slots: Duration,
}

impl Outcome {
    /// Returns the `Outcome` in the extensions of a response.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }
}

/// The reason why `Retry` did not resend a request.
///
/// The guide says [what to do about
/// each](crate::guide::operating#why-was-this-not-sent-again).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stop {
    /// The response is final: a success, or a failure that a resend does not
    /// change.
    Settled,
    /// Retries are turned off for this request
    /// ([`CallOptions::without_retry`](crate::CallOptions::without_retry)).
    Disabled,
    /// The server may have executed the request, and the request is not
    /// idempotent.
    NotRepeatable,
    /// The request could not be copied: its body was not kept, or it has a
    /// header that was built without the checks of `http`.
    BodyGone,
    /// The call has made as many sends as the policy allows.
    SendsSpent,
    /// The server asked for a longer wait than the policy accepts.
    RetryAfterTooLong,
    /// The wait would have ended after the deadline of the call.
    DeadlineTooClose,
    /// The call was polled outside of a tokio runtime, so it could not wait.
    NoRuntime,
    /// The [`Budget`](super::Budget) that all calls share was empty.
    BudgetSpent,
}

/// Request extension with the number of this send, counted from 1. The first
/// send has none.
///
/// A [`Retry`](super::Retry) that receives a request with it does not resend
/// that request, because a layer outside does.
///
/// ```
/// use http::Extensions;
/// use tower_genesys::retry::Attempt;
///
/// let attempt = Attempt::of(&Extensions::new());
/// assert_eq!(attempt, Attempt::new(1));
/// assert_eq!(attempt.get(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(u32);

impl Attempt {
    /// Creates the number of a send, counted from 1. For tests of a layer, and
    /// for a custom retry layer.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns the number, counted from 1.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the number of this send from the extensions of a request: 1 if
    /// they have none.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(1))
    }
}
