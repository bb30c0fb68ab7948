//! The JSON of the token endpoint: which answers hold a token, and which
//! failure the others are.

use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{dialect::Dialect, failure::Failure};
use crate::token::IssuedToken;

/// The lifetime of a token whose answer does not state one. It is the shortest
/// that Genesys issues.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(300);

/// The fields of an answer. Each may be missing or of any type, so that one odd
/// field does not hide the others.
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

/// The tokens of an answer.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: IssuedToken,
    pub(super) refresh: Option<SecretString>,
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

/// Reads a token from an answer. The head decides first; the body can only add
/// a code to that.
pub(super) fn token(status: StatusCode, body: &[u8], dialect: &Dialect) -> Result<Issued, Failure> {
    let answer = serde_json::from_slice::<Answer>(body);
    let named = answer.as_ref().ok().and_then(code);
    match (Failure::by_head(status, named), answer) {
        (Some(failure), _) => Err(failure),
        (None, Ok(answer)) if status.is_success() => issued(answer, dialect),
        (None, Err(_)) if status.is_success() => Err(Failure::Malformed(
            "its answer is not a JSON object, or was cut off",
        )),
        // A 400 or 401, whose kind is in the body.
        (None, Ok(answer)) => Err(refusal(&answer)),
        // No JSON: the page of a proxy or firewall, which says nothing about
        // client or grant.
        (None, Err(_)) => Err(Failure::Unavailable(None)),
    }
}

/// Reads the tokens of a success.
fn issued(answer: Answer, dialect: &Dialect) -> Result<Issued, Failure> {
    if reports_error(&answer) {
        // Some servers answer 200 with an `error`. With a token beside it, the
        // answer is ambiguous.
        return Err(match code(&answer) {
            Some(_) if !answer.access_token.is_string() => refusal(&answer),
            _ => Failure::Malformed("it answered 200 and also reported an error"),
        });
    }
    let Value::String(secret) = answer.access_token else {
        return Err(Failure::Malformed("its answer has no access token"));
    };
    if secret.is_empty() {
        return Err(Failure::Malformed("its access token is empty"));
    }
    match &answer.token_type {
        // An unstated type counts as `bearer`.
        Value::Null => {}
        Value::String(kind) if dialect.is_bearer(kind) => {}
        _ => {
            return Err(Failure::Malformed(
                "its token is not of the type bearer (`Dialect::with_token_type` accepts another type)",
            ));
        }
    }
    let refresh = match answer.refresh_token {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(SecretString::from(text)),
        // If it were ignored, the next request would use the old one a second
        // time.
        _ => return Err(Failure::Malformed("its refresh token is not a text")),
    };
    let access = IssuedToken::new(SecretString::from(secret), lifetime(&answer.expires_in));
    Ok(Issued { access, refresh })
}

/// Reads a lifetime in seconds, as a number or a text. Any other value counts
/// as not stated. Zero does, too: a token without a lifetime would be fetched
/// in a loop.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds >= 1.0 => {
            Duration::try_from_secs_f64(seconds.floor()).unwrap_or(Duration::MAX)
        }
        _ => UNSTATED_LIFETIME,
    }
}

/// Reports whether an `error` is set and not empty.
fn reports_error(answer: &Answer) -> bool {
    !answer.error.is_null() && answer.error != *""
}

/// Returns the code of RFC 6749 that an answer names.
fn code(answer: &Answer) -> Option<&'static str> {
    CODES.into_iter().find(|code| answer.error == **code)
}

/// Returns the failure that an error answer names.
fn refusal(answer: &Answer) -> Failure {
    let Some(code) = code(answer) else {
        return Failure::Unavailable(None);
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
        "invalid_request" if throttled => Failure::Throttled(Some(code)),
        "invalid_grant" => Failure::LoginRequired,
        code => Failure::Denied(code),
    }
}

#[cfg(test)]
mod tests;
