use std::time::Duration;

use http::Method;

use super::Backoff;

/// The limits of [`Retry`](super::Retry) for one call: sends, total time, and
/// the server's waits.
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
/// | broken writes | resent | PUT and DELETE are idempotent |
///
/// The [module docs](super#customising) have an example.
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
    /// The total number of sends per call. The waits between them are up to 3,
    /// 6 and 12 s, which is enough for a service to restart. A longer failure
    /// is an outage, which the caller should see.
    pub const DEFAULT_MAX_SENDS: u32 = 4;

    /// The deadline of a call. The first stage of Genesys' guidance for 502,
    /// 503 and 504 is five minutes, and one wait of the longest `Retry-After`
    /// fits in.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(300);

    /// The longest wait for the head of a response. It is twice the 15 s that a
    /// token renewal may take, because the renewal happens inside the attempt.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

    /// The longest `Retry-After` that `Retry` waits for. The official SDKs give
    /// up at the same value. Daily limits ask for hours.
    pub const DEFAULT_RETRY_AFTER_CAP: Duration = Duration::from_secs(180);

    /// Returns the [default](Self#default) policy.
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

    /// Sets the total number of sends per call; 0 counts as 1. A replay after a
    /// 401 is additional.
    #[must_use]
    pub const fn with_max_sends(mut self, sends: u32) -> Self {
        self.max_sends = sends;
        self
    }

    /// Sets the deadline for starting a retry, counted from the first poll of
    /// the call.
    ///
    /// If the wait before a retry would end later, `Retry` returns the failure
    /// at once.
    ///
    /// The deadline does not interrupt an attempt, because there would be
    /// nothing to return in its place. To bound the whole call, put tower's
    /// `TimeoutLayer` outside.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long an attempt may wait for the head of a response before a
    /// retry replaces it.
    ///
    /// The time-out applies only if another attempt can follow. If no sends are
    /// left, the request is not repeatable or the budget is empty, the attempt
    /// continues.
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Turns the attempt time-out off: `Retry` waits as long as the inner
    /// service does.
    #[must_use]
    pub const fn without_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = None;
        self
    }

    /// Sets the longest `Retry-After` that `Retry` waits for. If a response
    /// asks for more, `Retry` returns it at once.
    #[must_use]
    pub const fn with_retry_after_cap(mut self, cap: Duration) -> Self {
        self.retry_after_cap = cap;
        self
    }

    /// Sets the wait before a retry when the server sends no `Retry-After`.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets whether PUT and DELETE are resent after a broken connection or an
    /// attempt time-out.
    ///
    /// In these cases it is unknown whether the server executed the request. A
    /// second DELETE may return a 404, and a second PUT may overwrite a change
    /// that another client made in between.
    #[must_use]
    pub const fn with_broken_writes(mut self, resend: bool) -> Self {
        self.broken_writes = resend;
        self
    }

    /// Whether the method allows a resend of a request that the server may have
    /// executed. `broken` states that the request got no response.
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
