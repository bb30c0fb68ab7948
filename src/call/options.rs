use std::time::Duration;

use http::Extensions;

/// Request extension: how the layers shall treat this one request.
///
/// # Default
///
/// Authenticated by [`Bearer`](crate::bearer), which replaces an `Authorization` that is there;
/// sent again as the configuration of [`Retry`](crate::retry) has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    pub(crate) without_auth: bool,
    pub(crate) keep_authorization: bool,
    pub(crate) without_retry: bool,
    pub(crate) repeatable: Option<bool>,
    pub(crate) deadline: Option<Duration>,
}

impl CallOptions {
    /// Options that change nothing.
    pub const fn new() -> Self {
        Self {
            without_auth: false,
            keep_authorization: false,
            without_retry: false,
            repeatable: None,
            deadline: None,
        }
    }

    /// What the extensions of a request hold, or the default.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or_default()
    }

    /// Sends the request as it is: no token is fetched or set, and a 401 renews nothing.
    #[must_use]
    pub const fn without_auth(mut self) -> Self {
        self.without_auth = true;
        self
    }

    /// Leaves an `Authorization` that is already on the request, instead of replacing it; a 401 to
    /// it then renews nothing. A request that has none gets a token as always.
    #[must_use]
    pub const fn keep_authorization(mut self) -> Self {
        self.keep_authorization = true;
        self
    }

    /// Sends the request once, whatever comes back. A resend after a 401 is not a retry, and still
    /// happens.
    #[must_use]
    pub const fn without_retry(mut self) -> Self {
        self.without_retry = true;
        self
    }

    /// Whether doing this request twice does no more than doing it once, for a method or path about
    /// which the layer would decide otherwise.
    #[must_use]
    pub const fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = Some(repeatable);
        self
    }

    /// Until when a retry may begin, counted from when the call is first polled: a wait that would
    /// end later is not begun, and the failure is returned at once. An attempt under way is not cut
    /// off by it; put a time-out around the stack for that.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}
