use std::time::Duration;

use http::Method;

use super::Backoff;

/// How often a request is sent, how long that may take, and how long a server may make it wait.
///
/// # Default
///
/// | setting | default | why |
/// |---|---|---|
/// | sends | 4 in all | a failure that three retries do not outlast is an outage |
/// | deadline | 5 min | the first stage of Genesys' guidance for 502, 503 and 504 |
/// | attempt time-out | 30 s | twice what renewing a token may take (15 s) |
/// | `Retry-After` cap | 180 s | where the official SDKs give up |
/// | backoff | [`Backoff`] | |
/// | broken writes | sent again | PUT and DELETE mean the same twice |
///
/// There is an example in the [module docs](super#customising).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(super) max_sends: u32,
    pub(super) deadline: Duration,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) retry_after_cap: Duration,
    pub(super) backoff: Backoff,
    pub(super) broken_writes: bool,
}

impl RetryPolicy {
    /// How many times a request is sent in all. With a ceiling of 3, 6 and 12 s for the waits in
    /// between, a service that restarts has time to; what fails for longer is an outage, which
    /// the caller should hear of.
    pub const DEFAULT_MAX_SENDS: u32 = 4;

    /// How long a call may take: the first five minutes are the first stage of Genesys' guidance
    /// for 502, 503 and 504, and one wait of the longest `Retry-After` fits in.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(300);

    /// How long the head of a response may take: twice the 15 s that renewing a token may take,
    /// since that happens inside.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

    /// The longest `Retry-After` that is waited for. Daily limits make it hours; the official
    /// SDKs give up here.
    pub const DEFAULT_RETRY_AFTER_CAP: Duration = Duration::from_secs(180);

    /// The default, see [above](Self#default).
    pub const fn new() -> Self {
        Self {
            max_sends: Self::DEFAULT_MAX_SENDS,
            deadline: Self::DEFAULT_DEADLINE,
            attempt_timeout: Some(Self::DEFAULT_ATTEMPT_TIMEOUT),
            retry_after_cap: Self::DEFAULT_RETRY_AFTER_CAP,
            backoff: Backoff::new(),
            broken_writes: true,
        }
    }

    /// How many times a request is sent in all; 0 counts as 1. A resend after a 401 comes on top.
    #[must_use]
    pub const fn with_max_sends(mut self, sends: u32) -> Self {
        self.max_sends = sends;
        self
    }

    /// Until when a retry may begin, counted from when the call is first polled: a wait that would
    /// end later is not begun, and the failure is returned instead.
    ///
    /// It cuts no attempt off, since there would be nothing to return in its place; put tower's
    /// `TimeoutLayer` around for that.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// After how long without the head of a response an attempt is given up for another one.
    ///
    /// Only for another one: an attempt that could not be followed by one, because there are none
    /// left, the request is not repeatable, or the budget is spent, goes on.
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Waits for the head of a response for as long as the inner service does.
    #[must_use]
    pub const fn without_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = None;
        self
    }

    /// The longest `Retry-After` that is waited for. A response that asks for more is returned
    /// at once.
    #[must_use]
    pub const fn with_retry_after_cap(mut self, cap: Duration) -> Self {
        self.retry_after_cap = cap;
        self
    }

    /// How long to wait when the server does not say.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Whether PUT and DELETE are sent again after a connection that broke, or an attempt that
    /// timed out. It is not known then whether they were executed: the second DELETE may find
    /// nothing, and the second PUT may overwrite what somebody else has put in between.
    #[must_use]
    pub const fn with_broken_writes(mut self, resend: bool) -> Self {
        self.broken_writes = resend;
        self
    }

    /// Whether a request that may have been executed can be sent again, going by its method.
    pub(super) fn repeats(&self, method: &Method, broken: bool) -> bool {
        match *method {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE => true,
            Method::PUT | Method::DELETE => !broken || self.broken_writes,
            _ => false,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_docs() {
        let policy = RetryPolicy::default();
        assert_eq!(policy, RetryPolicy::new());
        assert_eq!(policy.max_sends, 4);
        assert_eq!(policy.deadline, Duration::from_secs(5 * 60));
        assert_eq!(policy.attempt_timeout, Some(Duration::from_secs(30)));
        assert_eq!(policy.retry_after_cap, Duration::from_secs(180));
        assert_eq!(policy.backoff, Backoff::new());
        assert!(policy.broken_writes);
    }

    #[test]
    fn methods_repeat_as_their_semantics_allow() {
        let policy = RetryPolicy::new();
        let careful = policy.with_broken_writes(false);
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert!(careful.repeats(&method, true) && policy.repeats(&method, false));
        }
        for method in [Method::PUT, Method::DELETE] {
            assert!(policy.repeats(&method, true) && policy.repeats(&method, false));
            assert!(!careful.repeats(&method, true) && careful.repeats(&method, false));
        }
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            assert!(!policy.repeats(&method, false));
        }
    }
}
