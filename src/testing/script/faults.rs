//! What a rule can do besides a response of its own: delays, broken connections
//! and bodies, tokens that end, changed headers.

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
///
/// ```
/// use std::time::Duration;
/// use http_body_util::BodyExt;
/// use tokio::time::{Instant, timeout};
/// use tower_genesys::testing::{MockErrorKind, MockGenesys, USERS};
/// # use http::{HeaderValue, Request, header::HeaderName};
/// # use http_body_util::Empty;
/// # use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mock = MockGenesys::new();
/// # let name = HeaderName::from_static("x-edge");
/// # let value = HeaderValue::from_static("3");
/// let on = |nth| mock.on(USERS).nth(nth);
/// on(1).delay(Duration::from_secs(2)).header(name, value);
/// on(2).reset();
/// on(3).truncated_body();
/// on(4).never_answers();
/// on(5).endless_body();
/// on(6).revoke_token();
/// on(7).expire_token();
///
/// # let get = || {
/// #     let token = mock.mint_token();
/// #     let request = Request::get(mock.region().api("/api/v2/users").unwrap())
/// #         .header("authorization", format!("Bearer {token}"))
/// #         .body(Empty::<bytes::Bytes>::new()).unwrap();
/// #     mock.service().oneshot(request)
/// # };
/// let begun = Instant::now();
/// assert_eq!(get().await?.headers()["x-edge"], "3");
/// assert_eq!(begun.elapsed(), Duration::from_secs(2));
///
/// let error = get().await.unwrap_err();
/// assert_eq!(error.kind(), MockErrorKind::Reset);
///
/// let error = get().await?.collect().await.unwrap_err();
/// assert_eq!(error.kind(), MockErrorKind::Truncated);
///
/// let minute = Duration::from_secs(60);
/// assert!(timeout(minute, get()).await.is_err());
/// assert!(get().await?.frame().await.is_some());
/// assert_eq!(get().await?.status(), 401);
/// assert_eq!(get().await?.status(), 401);
/// # Ok(())
/// # }
/// ```
impl Script {
    /// Issues a token as usual, with this raw JSON as `expires_in`. If it is
    /// empty, the mock omits `expires_in`. If it is not JSON, the mock writes
    /// it as a string.
    ///
    /// ```
    /// use tower_genesys::testing::{MockGenesys, TOKEN};
    /// # use tower_genesys::{Credentials, Org};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let mock = MockGenesys::new();
    /// mock.on(TOKEN).nth(1).expires_in("\"3600\""); // text, not a number
    /// mock.on(TOKEN).nth(2).expires_in("");
    /// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
    /// # let org = Org::builder(mock.region()).credentials(keys);
    /// # let org = org.build(mock.http_client())?;
    /// assert!(org.tokens().token().await.is_ok());
    /// assert_eq!((mock.token_posts(), mock.live_tokens()), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
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
