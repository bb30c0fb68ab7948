use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};

use super::Script;
use crate::testing::{
    body::Fault,
    rules::{Reaction, TokenFate},
};

/// Faults, delays and changes of the usual response.
///
/// Each returns the rule for further actions; you may drop it.
impl Script {
    /// Issues a token as usual, with this raw JSON as `expires_in`. If it is
    /// empty, the mock omits `expires_in`. If it is not JSON, the mock writes
    /// it as a string.
    pub fn expires_in(self, raw: impl Into<Arc<str>>) -> Self {
        let raw = raw.into();
        self.act(|plan| plan.expires_in = Some(raw))
    }

    /// Sets a header of the response, scripted or not, and replaces those of
    /// the same name.
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.act(|plan| drop(plan.headers.insert(name, value)))
    }

    /// Delays the response on tokio's clock, in addition to the mock's latency.
    pub fn delay(self, delay: Duration) -> Self {
        self.act(|plan| plan.delay = delay)
    }

    /// Reads the request, and never responds.
    pub fn never_answers(self) -> Self {
        self.act(|plan| plan.reaction = Reaction::Never)
    }

    /// Reads the request, does not handle it, and cuts the connection. In
    /// memory, the error has an [`io::Error`](std::io::Error) `ConnectionReset`
    /// as its source.
    pub fn reset(self) -> Self {
        self.act(|plan| plan.reaction = Reaction::Reset)
    }

    /// Cuts the connection after half of the response's body. That half may be
    /// empty.
    pub fn truncated_body(self) -> Self {
        self.act(|plan| plan.fault = Fault::Truncated)
    }

    /// Makes the body of the response endless.
    pub fn endless_body(self) -> Self {
        self.act(|plan| plan.fault = Fault::Endless)
    }

    /// Revokes the request's token before the mock handles the request.
    pub fn revoke_token(self) -> Self {
        self.act(|plan| plan.token = TokenFate::Revoked)
    }

    /// Makes the request's token expire before the mock handles the request.
    pub fn expire_token(self) -> Self {
        self.act(|plan| plan.token = TokenFate::Expired)
    }
}
