//! [`CallOptions`], which the layers read from the extensions of a request.

use std::time::Duration;

use http::{Extensions, StatusCode};

/// A request extension with settings for this one request.
///
/// # Default
///
/// [`Bearer`](crate::bearer) signs the request and replaces an existing
/// `Authorization`. [`Retry`](crate::retry) retries it according to its policy.
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use tower_genesys::CallOptions;
///
/// /// A user waits for it.
/// const INTERACTIVE: CallOptions = CallOptions::new()
///     .with_max_sends(2)
///     .with_deadline(Duration::from_secs(5))
///     .with_attempt_timeout(Duration::from_secs(2));
/// /// For a service that is not Genesys Cloud, or a pre-signed link to a file.
/// const PLAIN: CallOptions = CallOptions::new()
///     .without_auth()
///     .without_retry()
///     .without_collecting();
///
/// let mut request = Request::new(());
/// request.extensions_mut().insert(INTERACTIVE);
/// assert_eq!(CallOptions::of(request.extensions()), INTERACTIVE);
/// assert_ne!(PLAIN, INTERACTIVE);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    // Each layer reads its own fields. `None` leaves the decision to the
    // layer's settings, as `false` does in the others.
    pub(crate) without_auth: bool,
    pub(crate) keep_authorization: bool,
    pub(crate) without_retry: bool,
    pub(crate) repeatable: Option<bool>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) max_sends: Option<u32>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) transient: Option<Transient>,
    pub(crate) streamed: bool,
}

/// The statuses that count as transient for one request, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transient {
    pub(crate) statuses: &'static [StatusCode],
    pub(crate) within: Duration,
}

impl CallOptions {
    /// Creates options that change nothing.
    pub const fn new() -> Self {
        // Spelled out, because `Default` is not `const`.
        Self {
            without_auth: false,
            keep_authorization: false,
            without_retry: false,
            repeatable: None,
            deadline: None,
            max_sends: None,
            attempt_timeout: None,
            transient: None,
            streamed: false,
        }
    }

    /// Returns the options in the extensions of a request, or the default.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or_default()
    }

    /// Sends the request as it is: no token is fetched or set, and a 401 renews
    /// nothing.
    #[must_use]
    pub const fn without_auth(mut self) -> Self {
        self.without_auth = true;
        self
    }

    /// Keeps an `Authorization` that is already on the request. A 401 to such a
    /// request renews nothing. A request without one gets a token as usual.
    #[must_use]
    pub const fn with_own_authorization(mut self) -> Self {
        self.keep_authorization = true;
        self
    }

    /// Never retries this request. A replay after a 401 is not a retry, and
    /// still happens.
    #[must_use]
    pub const fn without_retry(mut self) -> Self {
        self.without_retry = true;
        self
    }

    /// Sets whether this request may be executed twice, if the layer's own
    /// decision by method and path is wrong for it.
    #[must_use]
    pub const fn with_repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = Some(repeatable);
        self
    }

    /// Sets the time limit for the start of a retry, counted from the first
    /// poll of the call. If a wait would end later, `Retry` returns the failure
    /// at once. The limit does not cut off an attempt in flight; put a time-out
    /// around the stack for that.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the total number of sends of this request, in place of
    /// [`RetryPolicy::with_max_sends`](crate::retry::RetryPolicy::with_max_sends).
    /// 0 counts as 1. A replay after a 401 does not count.
    #[must_use]
    pub const fn with_max_sends(mut self, sends: u32) -> Self {
        self.max_sends = Some(sends);
        self
    }

    /// Sets how long an attempt of this request may take until the head of its
    /// response, in place of
    /// [`RetryPolicy::with_attempt_timeout`](crate::retry::RetryPolicy::with_attempt_timeout).
    /// As there, `Retry` gives an attempt up only for another one.
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Streams the response body to the caller, even if
    /// [`collect`](crate::collect) would read it first. Use it for downloads,
    /// and for streams that the media type does not identify.
    #[must_use]
    pub const fn without_collecting(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// Retries this request after these statuses too, as long as the retry
    /// begins within this time of the first poll of the call.
    ///
    /// Use it for a race that the service confirms: a 404 for something that
    /// was created a moment ago, or a 409 between two writers. All other rules
    /// of retries apply: the number of sends, the deadline, the backoff,
    /// `Retry-After` and the budget. With the default backoff, the next send is
    /// up to 3, 6 and 12 s away.
    ///
    /// A 4xx other than 408 says that the server did not execute the request,
    /// so `Retry` resends any method. After another status it resends only a
    /// [repeatable](Self::with_repeatable) request. A success never counts. If
    /// the layer's [`Classify`](crate::retry::Classify) returns anything other
    /// than final for the response, that takes precedence.
    ///
    /// Do not name 409 or 412 for a request that carries a `version`: the same
    /// request meets the same conflict. Read the entity again, apply the change
    /// to the new version, and send that.
    ///
    /// ```
    /// use std::time::Duration;
    /// use http::StatusCode;
    /// use tower_genesys::CallOptions;
    ///
    /// /// Another node may not have the new user for some seconds.
    /// const JUST_CREATED: CallOptions = CallOptions::new()
    ///     .with_transient_statuses(
    ///         &[StatusCode::NOT_FOUND],
    ///         Duration::from_secs(10),
    ///     )
    ///     .with_max_sends(6);
    /// assert_ne!(JUST_CREATED, CallOptions::new());
    /// ```
    ///
    /// # Default
    ///
    /// None: only the layer's [`Classify`](crate::retry::Classify) decides.
    #[must_use]
    pub const fn with_transient_statuses(
        mut self,
        statuses: &'static [StatusCode],
        within: Duration,
    ) -> Self {
        self.transient = Some(Transient { statuses, within });
        self
    }
}
