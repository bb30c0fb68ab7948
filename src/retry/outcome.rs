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
///
/// An error cannot carry extensions: [`GaveUp`](super::GaveUp) carries the
/// `Outcome` of a call that ended in one.
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
/// The variants are in the order of the questions in the
/// [module docs](super#what-is-retried). The guide names [the next step for
/// each](crate::guide::operating#why-was-this-not-sent-again).
///
/// ```
/// use http::Extensions;
/// use tower_genesys::retry::{Outcome, Stop};
///
/// /// Whether the same request may succeed later.
/// fn is_worth_another_try(extensions: &Extensions) -> bool {
///     let stop = Outcome::of(extensions).map(|outcome| outcome.stop);
///     matches!(stop, Some(Stop::BudgetSpent | Stop::RetryAfterTooLong))
/// }
///
/// assert!(!is_worth_another_try(&Extensions::new()));
/// ```
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
/// Read it in a layer or client inside of [`Retry`](super::Retry). A `Retry`
/// that receives a request with it does not resend that request, because a
/// layer outside does.
///
/// ```
/// use http::Extensions;
/// use tower_genesys::retry::Attempt;
///
/// let mut extensions = Extensions::new();
/// assert_eq!(Attempt::of(&extensions).get(), 1);
/// extensions.insert(Attempt::new(2));
/// assert_eq!(Attempt::of(&extensions).get(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(u32);

impl Attempt {
    /// Creates an attempt with this number, counted from 1. Use it in a custom
    /// retry layer, and in tests.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns the number of this send from the extensions of a request: 1 if
    /// they have none.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(1))
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0
    }
}
