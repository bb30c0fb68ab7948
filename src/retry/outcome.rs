use std::time::Duration;

use http::Extensions;

/// Response extension: how the call went, when it was not simply answered at the first send.
///
/// It is there when the request was sent more than once, waited at the throttle, or when the
/// response asks for a retry that was not made. It is not there on a final response to a first send
/// that did not wait, so that such a call allocates nothing.
///
/// There is an example in the [module docs](super).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Why the request was not sent once more.
    pub stop: Stop,
    /// How many times the request was sent.
    pub sends: u32,
    /// From when the call was first polled to this response.
    pub elapsed: Duration,
    /// How much of that was spent waiting between sends, and at the throttle.
    pub waited: Duration,
    /// How much of [`waited`](Self::waited) was for slots of a shared [`Limit`](crate::store::Limit).
    pub waited_for_slots: Duration,
}

impl Outcome {
    /// What the extensions of a response hold.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }
}

/// Why a request was not sent once more.
///
/// What to do about each is in the [guide](crate::guide::operating#why-was-this-not-sent-again).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stop {
    /// The response is final: a success, or a failure that sending again does not change.
    Settled,
    /// Retries are turned off for this request
    /// ([`CallOptions::without_retry`](crate::CallOptions::without_retry)).
    Disabled,
    /// It may have been executed, and executing it twice is not the same as once.
    NotRepeatable,
    /// The body was not to be had again; or a header was made around the checks of
    /// `http`.
    BodyGone,
    /// It was sent as many times as the policy allows.
    SendsSpent,
    /// The server asked for a longer wait than the policy accepts.
    RetryAfterTooLong,
    /// The wait would have lasted longer than the call may.
    DeadlineTooClose,
    /// There is no tokio runtime to wait on.
    NoRuntime,
    /// All calls together have used up their retries.
    BudgetSpent,
}

/// Request extension: this is the n-th time that the request is sent. Absent the first time.
///
/// A [`Retry`](super::Retry) that is given a request with it does not send that again: a layer
/// outside does.
///
/// ```
/// use http::Extensions;
/// use tower_genesys::retry::Attempt;
///
/// assert_eq!(Attempt::of(&Extensions::new()), Attempt(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u32);

impl Attempt {
    /// Which send this is, from the extensions of a request.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(1))
    }
}
