//! Ends a token at the service, through the client that fetched it.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use http_body_util::Full;

use super::{TokenClient, endpoint::Endpoint};
use crate::{
    BoxError,
    genesys::answer::correlation_id,
    retry::RetryAfter,
    runtime::within,
    token::{TokenError, TokenErrorKind},
};

/// A DELETE of this path ends the token that the request carries.
const PATH: &str = "/api/v2/tokens/me";

/// The time limit of the request: as long as a token request may take.
const TIME: Duration = Duration::from_secs(8);

impl<C, B> Endpoint<C, B> {
    /// Ends this token at the service. A token that the service does not know
    /// counts as ended. `None`: there is no token to end.
    pub(super) async fn revoke(&self, token: Option<&str>) -> Result<(), TokenError>
    where
        C: TokenClient<B>,
        B: From<Full<Bytes>>,
    {
        let Some(token) = token else {
            return Ok(());
        };
        let request = self.revocation(token)?;
        let mut client = self.ready().await?;
        let host = self.region().api_host();
        let answer = within(TIME, client.call(request)).await;
        match answer {
            Some(Ok(response)) => check(host, &response),
            Some(Err(error)) => Err(unreached(host, error.into())),
            None => {
                let message = format!("{host} did not answer in time: {UNKNOWN}");
                Err(TokenError::new(TokenErrorKind::TimedOut, message))
            }
        }
    }

    /// Builds the request, which is signed with the token that it ends.
    fn revocation(&self, token: &str) -> Result<Request<B>, TokenError>
    where
        B: From<Full<Bytes>>,
    {
        let uri = self.region().api(PATH).map_err(|error| {
            let message =
                "the base URL of the API cannot be used to end a token; the cause names the fault";
            TokenError::new(TokenErrorKind::Denied, message).with_source(error)
        })?;
        let bearer = HeaderValue::try_from(format!("Bearer {token}"));
        let mut bearer = bearer.map_err(|_| {
            let message = "the token was not ended: it holds characters that no header can hold, so it was \
                           never valid; check where it comes from";
            TokenError::new(TokenErrorKind::Malformed, message)
        })?;
        bearer.set_sensitive(true);
        let mut request = Request::new(B::from(Full::default()));
        *request.method_mut() = Method::DELETE;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, bearer);
        Ok(request)
    }
}

/// The next step after a request without an answer.
const UNKNOWN: &str =
    "whether the token has ended is unknown; revoke it once more, or let it expire";

/// Judges the answer by its status.
fn check<R>(host: &str, response: &Response<R>) -> Result<(), TokenError> {
    let status = response.status();
    let kind = match status {
        // 401: it had ended before.
        _ if status.is_success() || status == StatusCode::UNAUTHORIZED => return Ok(()),
        StatusCode::TOO_MANY_REQUESTS => TokenErrorKind::Throttled,
        _ if status.is_server_error() => TokenErrorKind::Unavailable,
        _ => TokenErrorKind::Denied,
    };
    let message = format!(
        "{host} did not end the token ({status}), which is still valid; revoke it again, or let it expire"
    );
    let error = TokenError::new(kind, message);
    Err(with_head(error, response.headers()))
}

/// Adds the id and the wait that the head names.
fn with_head(error: TokenError, headers: &HeaderMap) -> TokenError {
    let error = match correlation_id(headers) {
        Some(id) => error.with_correlation_id(id),
        None => error,
    };
    match RetryAfter::from_headers(headers, std::time::SystemTime::now()) {
        Some(after) => error.with_retry_after(after.get()),
        None => error,
    }
}

fn unreached(host: &str, error: BoxError) -> TokenError {
    let message = format!("{host} was not reached: {UNKNOWN}");
    TokenError::new(TokenErrorKind::Transport, message).with_source(error)
}
