//! Why a token request returned no token, and the error that callers get for
//! it.

use std::{error::Error, time::SystemTime};

use http::{StatusCode, response::Parts, uri::Scheme};

use crate::{
    BoxError,
    call::Refused,
    error::causes,
    genesys::{
        Region,
        answer::{Unread, correlation_id},
    },
    retry::RetryAfter,
    token::{TokenError, TokenErrorKind},
};

/// How many bytes of an answer are read. A token with its other fields has some
/// hundred bytes, so a longer answer is something else.
pub(super) const LONGEST_ANSWER: usize = 64 * 1024;

/// Why an answer holds no token. The error may be logged, so nothing of the
/// body gets into it except the codes of RFC 6749, which are these
/// `&'static str`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Denied(&'static str),
    LoginRequired,
    Throttled(Option<&'static str>),
    Unavailable(Option<&'static str>),
    Redirected,
    /// A success without a usable token, for this reason.
    Malformed(&'static str),
    /// The body is compressed with this coding, which was not requested.
    Encoded(&'static str),
    /// The body exceeds [`LONGEST_ANSWER`].
    TooLong,
    /// The body broke off, or did not end in time.
    BrokenOff,
}

impl Failure {
    /// Judges an answer by its head, whether or not its body can be read.
    /// `code` is the code in the body, if it was read.
    ///
    /// A 400 needs its body: it may be a wrong client, a used grant, or a rate
    /// limit.
    pub(super) fn by_head(status: StatusCode, code: Option<&'static str>) -> Option<Self> {
        match status {
            status if status.is_redirection() => Some(Self::Redirected),
            StatusCode::TOO_MANY_REQUESTS => Some(Self::Throttled(code)),
            status if status.is_server_error() => Some(Self::Unavailable(code)),
            _ => None,
        }
    }

    /// Judges an answer whose body could not be read.
    pub(super) fn unread(status: StatusCode, why: &Unread) -> Self {
        // The head decides first: a 429 stays one if its body is unreadable.
        let by_head = Self::by_head(status, None);
        by_head.unwrap_or(match why {
            Unread::Encoded(coding) => Self::Encoded(coding),
            // A 400 without its body may be anything, so nothing is concluded
            // about client or grant.
            _ if !status.is_success() => Self::Unavailable(None),
            Unread::TooLong => Self::TooLong,
            Unread::Late | Unread::BrokenOff(_) => Self::BrokenOff,
        })
    }

    /// Builds the error for callers: cause, next step, host, and the facts of
    /// the answer's head. `grant` is the `grant_type` of the request.
    pub(super) fn into_error(self, host: &str, head: &Parts, grant: &str) -> TokenError {
        let message = self.message(host, head.status, grant);
        let mut error = TokenError::new(self.kind(), message).with_login_host(host);
        if let Some(code) = self.code() {
            error = error.with_oauth_code(code);
        }
        // Only these two have a wait to follow.
        if matches!(self, Self::Throttled(_) | Self::Unavailable(_)) {
            let asked = RetryAfter::from_headers(&head.headers, SystemTime::now());
            error = asked
                .into_iter()
                .fold(error, |error, asked| error.with_retry_after(asked.get()));
        }
        let id = correlation_id(&head.headers);
        id.into_iter()
            .fold(error, |error, id| error.with_correlation_id(id))
    }

    /// An answer that no token endpoint sends is malformed, since a retry would
    /// not help. After an answer that broke off a retry may help, so that is a
    /// transport error.
    fn kind(self) -> TokenErrorKind {
        match self {
            Self::Denied(_) => TokenErrorKind::Denied,
            Self::LoginRequired => TokenErrorKind::LoginRequired,
            Self::Throttled(_) => TokenErrorKind::Throttled,
            Self::Unavailable(_) => TokenErrorKind::Unavailable,
            Self::BrokenOff => TokenErrorKind::Transport,
            Self::Redirected | Self::Malformed(_) | Self::Encoded(_) | Self::TooLong => {
                TokenErrorKind::Malformed
            }
        }
    }

    /// Returns the OAuth code, if the body or the kind of failure names one.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Denied(code) => Some(code),
            Self::LoginRequired => Some("invalid_grant"),
            Self::Throttled(code) | Self::Unavailable(code) => code,
            _ => None,
        }
    }

    /// Returns what failed, why, and the next step.
    fn message(self, host: &str, status: StatusCode, grant: &str) -> String {
        let status = status.as_u16();
        match self {
            Self::Denied(code) => {
                let advice = after_denial(code);
                format!("{host} refused the client ({code}): {advice}")
            }
            Self::LoginRequired => {
                let why = why_invalid(grant);
                format!("{host} refused the grant (invalid_grant): {why}")
            }
            Self::Throttled(_) => format!(
                "{host} issues no more tokens for now (rate limit, status {status}); share one \
                 token among all processes that use this client"
            ),
            Self::Unavailable(_) => format!(
                "{host} answered with status {status} and no token; if that persists, check the \
                 base URL and any proxy or gateway in between"
            ),
            Self::Redirected => format!(
                "{host} answered with a redirect (status {status}), which is not followed, since it \
                 would leak the client's secret; correct the base URL"
            ),
            Self::Malformed(what) => format!(
                "{host} returned no usable token: {what}; check the base URL and any proxy or \
                 gateway in between"
            ),
            Self::Encoded(coding) => format!(
                "{host} answered in the encoding `{coding}` (status {status}), which was not \
                 requested; correct the proxy or gateway in between, or use an HTTP client that \
                 decodes it"
            ),
            Self::TooLong => format!(
                "the token endpoint at {host} sent more than {LONGEST_ANSWER} bytes, so the answer is not \
                 a token; check the region or base URL, and any proxy in between (a proxy's page?)"
            ),
            Self::BrokenOff => format!(
                "the answer of the token endpoint at {host} broke off; if that persists, check \
                 the network and any proxy in between"
            ),
        }
    }
}

/// Returns the cause and next step after a refusal of the client.
fn after_denial(code: &str) -> &'static str {
    match code {
        "invalid_client" => {
            "the client id or secret is wrong, or the wrong region is set; check all three: a client \
             exists only in its own region"
        }
        "unauthorized_client" | "unsupported_grant_type" => {
            "this grant is not allowed for the client; set its grant type in Genesys Cloud under \
             Admin, Integrations, OAuth"
        }
        _ => "correct the parameters of the token request",
    }
}

/// Returns the cause and next step after `invalid_grant`, by the `grant_type`.
fn why_invalid(grant: &str) -> &'static str {
    match grant {
        "authorization_code" => {
            "the code was already used or has expired, or the redirect URI or PKCE verifier is not the \
             one that the login began with; compare these, and log in again"
        }
        "urn:ietf:params:oauth:grant-type:saml2-bearer" => {
            "the assertion has expired, was used before, or is meant for another organisation or \
             audience; log in again at the identity provider"
        }
        _ => "it was already used, has expired or was revoked; log in again",
    }
}

/// Reports whether a plain `HttpConnector` of hyper-util was given an https
/// URI. The type of its error is private, so the text identifies it.
fn has_no_tls(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| error.to_string().ends_with("scheme is not http"))
}

/// Builds the error of a request without an answer: the client refused it, or
/// it was lost.
pub(super) fn unreachable(region: &Region, error: BoxError) -> TokenError {
    let host = region.login_host();
    if Refused::find(&*error).is_some() {
        // The organisation allows http, or it would not exist; the client has a
        // separate setting.
        let http = match region.login_base().scheme() {
            Some(scheme) if scheme != &Scheme::HTTPS => {
                " (the base URL is http: allow it to the client, too, as `ClientBuilder::allow_loopback` \
                 or GENESYS_ALLOW_LOOPBACK=1 do)"
            }
            _ => "",
        };
        let message = format!(
            "the token endpoint at {host} was not asked: the HTTP client refuses to send the request, \
             and will until you change its settings; the cause says why{http}"
        );
        return TokenError::new(TokenErrorKind::Denied, message)
            .with_login_host(host)
            .with_source(error);
    }
    // A retry would fail the same way, so this is not a transport error.
    if has_no_tls(&*error) {
        let message = format!(
            "the token endpoint at {host} was not asked: the HTTP client has a connector without TLS; \
             use a TLS connector, such as hyper_rustls's `HttpsConnector`, or `tower_genesys::Client`"
        );
        return TokenError::new(TokenErrorKind::Denied, message)
            .with_login_host(host)
            .with_source(error);
    }
    let message = format!(
        "the token endpoint at {host} was not reached; check the network, the proxy and the region"
    );
    TokenError::new(TokenErrorKind::Transport, message)
        .with_login_host(host)
        .with_source(error)
}
