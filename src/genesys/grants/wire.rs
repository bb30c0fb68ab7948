use std::time::{Duration, SystemTime};

use http::{StatusCode, response::Parts};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    genesys::correlation_id::correlation_id,
    retry::RetryAfter,
    token::{IssuedToken, TokenError, TokenErrorKind},
};

/// Genesys' shortest, for an answer that does not say how long the token lives.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(300);

/// An answer of the token endpoint: any of its fields may be missing, or be something else.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: Value,
    #[serde(default)]
    token_type: Value,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    refresh_token: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    error_description: Value,
}

/// What an answer brings.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: IssuedToken,
    pub(super) refresh: Option<SecretString>,
}

/// Why an answer is no token. Holds nothing of the body: an error may end up anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Denied(&'static str),
    LoginRequired,
    Throttled,
    Unavailable,
    Redirected,
    Malformed(&'static str),
}

/// The codes of RFC 6749, section 5.2. Others are not repeated in errors.
const CODES: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_request",
];

/// Reads a token from an answer.
pub(super) fn token(head: &Parts, body: &[u8]) -> Result<Issued, Failure> {
    let answer = serde_json::from_slice::<Answer>(body);
    match head.status {
        status if status.is_success() => issued(
            answer
                .map_err(|_| Failure::Malformed("its answer is no JSON object, or was cut off"))?,
        ),
        status if status.is_redirection() => Err(Failure::Redirected),
        StatusCode::TOO_MANY_REQUESTS => Err(Failure::Throttled),
        status if status.is_server_error() => Err(Failure::Unavailable),
        _ => Err(answer.map_or(Failure::Unavailable, |answer| refusal(&answer))),
    }
}

fn issued(answer: Answer) -> Result<Issued, Failure> {
    if !answer.error.is_null() {
        return Err(Failure::Malformed(
            "it answered 200 and reported an error all the same",
        ));
    }
    let Value::String(secret) = answer.access_token else {
        return Err(Failure::Malformed("its answer has no access token"));
    };
    if secret.is_empty() {
        return Err(Failure::Malformed("its access token is empty"));
    }
    match &answer.token_type {
        Value::Null => {}
        Value::String(kind) if kind.eq_ignore_ascii_case("bearer") => {}
        _ => return Err(Failure::Malformed("its token is not of the type bearer")),
    }
    let refresh = match answer.refresh_token {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(SecretString::from(text)),
        // Taken for none, the next request would spend the old one again.
        _ => return Err(Failure::Malformed("its refresh token is no text")),
    };
    let access = IssuedToken::new(SecretString::from(secret), lifetime(&answer.expires_in));
    Ok(Issued { access, refresh })
}

/// A life in seconds, however it is written. What is no number of seconds counts as not stated.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if !seconds.is_nan() => {
            Duration::try_from_secs_f64(seconds.max(0.0).floor()).unwrap_or(Duration::MAX)
        }
        _ => UNSTATED_LIFETIME,
    }
}

fn refusal(answer: &Answer) -> Failure {
    let Some(code) = CODES.into_iter().find(|code| answer.error == *code) else {
        return Failure::Unavailable;
    };
    // Genesys throttles with a 400, and says so in a description only.
    let throttled = [&answer.description, &answer.error_description]
        .into_iter()
        .any(|text| {
            let text = text
                .as_str()
                .unwrap_or_default()
                .trim_start()
                .to_ascii_lowercase();
            text.starts_with("rate limit exceeded")
        });
    match code {
        "invalid_request" if throttled => Failure::Throttled,
        "invalid_grant" => Failure::LoginRequired,
        code => Failure::Denied(code),
    }
}

impl Failure {
    /// The error for callers: cause and next step, the host, and what the head of the answer says.
    pub(super) fn into_error(self, host: &str, head: &Parts) -> TokenError {
        let status = head.status.as_u16();
        let mut error = match self {
            Self::Denied(code) => denied(host, code).with_oauth_code(code),
            Self::LoginRequired => {
                let message = format!(
                    "{host} refused the grant (invalid_grant): it was spent, has expired or was \
                     revoked; log in again"
                );
                TokenError::new(TokenErrorKind::LoginRequired, message)
                    .with_oauth_code("invalid_grant")
            }
            Self::Throttled => {
                let message = format!(
                    "{host} gives out no more tokens for now (rate limit, status {status}); share \
                     one token among all that use this client"
                );
                TokenError::new(TokenErrorKind::Throttled, message)
            }
            Self::Unavailable => {
                let message = format!(
                    "{host} answered with status {status} and no token; if that lasts, check the \
                     base URL and what stands in between (proxy, gateway)"
                );
                TokenError::new(TokenErrorKind::Unavailable, message)
            }
            Self::Redirected => {
                let message = format!(
                    "{host} answered with a redirect (status {status}), which is not followed: the \
                     client's secret would go along; correct the base URL"
                );
                TokenError::new(TokenErrorKind::Malformed, message)
            }
            Self::Malformed(what) => {
                let message = format!(
                    "{host} gave no usable token: {what}; check the base URL and what stands in \
                     between (proxy, gateway)"
                );
                TokenError::new(TokenErrorKind::Malformed, message)
            }
        };
        if matches!(self, Self::Throttled | Self::Unavailable) {
            let asked = RetryAfter::from_headers(&head.headers, SystemTime::now());
            error = asked
                .into_iter()
                .fold(error, |error, asked| error.with_retry_after(asked.wait()));
        }
        let id = correlation_id(&head.headers);
        let error = id
            .into_iter()
            .fold(error, |error, id| error.with_correlation_id(id));
        error.with_login_host(host)
    }
}

fn denied(host: &str, code: &'static str) -> TokenError {
    let advice = match code {
        "invalid_client" => {
            "the client id or the secret is wrong, or the wrong region was given: a client is known \
             in its own region only"
        }
        "unauthorized_client" | "unsupported_grant_type" => {
            "this grant is not allowed for the client; set its grant type in Genesys Cloud under \
             Admin, Integrations, OAuth"
        }
        _ => "correct the parameters of the token request",
    };
    let message = format!("{host} refused the client ({code}): {advice}");
    TokenError::new(TokenErrorKind::Denied, message)
}

#[cfg(test)]
mod tests;
