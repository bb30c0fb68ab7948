use http::{Response, response::Parts};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::token::{TokenError, TokenErrorKind};

fn head(status: u16) -> Parts {
    Response::builder()
        .status(status)
        .header("ININ-Correlation-Id", "c0ffee-1")
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn answer(status: u16, body: &str) -> Result<Issued, TokenError> {
    answer_in(&Dialect::new(), status, body)
}

fn answer_in(dialect: &Dialect, status: u16, body: &str) -> Result<Issued, TokenError> {
    let head = head(status);
    let read = token(head.status, body.as_bytes(), dialect);
    read.map_err(|failure| failure.into_error("login.example", &head, "refresh_token"))
}

fn parse(status: u16, body: &str) -> Result<IssuedToken, TokenError> {
    answer(status, body).map(|issued| issued.access)
}

fn kind(status: u16, body: &str) -> TokenErrorKind {
    parse(status, body).unwrap_err().kind()
}

#[test]
fn reads_a_token() {
    let body = r#"{"access_token":"s3cr3t","token_type":"bearer","expires_in":86399}"#;
    let token = parse(200, body).unwrap();
    assert_eq!(
        (token.expose(), token.lifetime().as_secs()),
        ("s3cr3t", 86399)
    );
    assert!(!format!("{token:?}").contains("s3cr3t"));
}

#[test]
fn reads_a_refresh_token_if_there_is_one() {
    for (field, expected) in [
        ("", None),
        (r#","refresh_token":null"#, None),
        (r#","refresh_token":"""#, None),
        (r#","refresh_token":"n3xt""#, Some("n3xt")),
    ] {
        let issued = answer(200, &format!(r#"{{"access_token":"t"{field}}}"#)).unwrap();
        let refresh = issued.refresh.as_ref().map(|text| text.expose_secret());
        assert_eq!(refresh, expected, "{field}");
        assert!(!format!("{issued:?}").contains("n3xt"));
    }
}

#[test]
fn a_life_may_be_written_in_any_way() {
    for (expires_in, seconds) in [
        ("86399", 86399),
        ("1", 1),
        ("0", 300),
        ("0.5", 300),
        ("\"0\"", 300),
        ("-5", 300),
        ("3599.9", 3599),
        ("\"3600\"", 3600),
        ("\" 60 \"", 60),
        ("\"soon\"", 300),
        ("\"NaN\"", 300),
        ("null", 300),
        ("[]", 300),
        ("1e300", u64::MAX),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
        assert_eq!(
            parse(200, &body).unwrap().lifetime().as_secs(),
            seconds,
            "{expires_in}"
        );
    }
    assert_eq!(
        parse(200, r#"{"access_token":"t"}"#)
            .unwrap()
            .lifetime()
            .as_secs(),
        300
    );
}

#[test]
fn what_is_no_token_is_malformed() {
    for body in [
        "",
        "<html><body>Sign in</body></html>",
        r#"{"access_token":"s3cr"#,
        "[]",
        r#"{"error":"invalid_client","access_token":"s3cr3t"}"#,
        r#"{"token_type":"bearer","expires_in":86399}"#,
        r#"{"access_token":"","expires_in":86399}"#,
        r#"{"access_token":42,"expires_in":86399}"#,
        r#"{"access_token":"s3cr3t","token_type":"mac"}"#,
        r#"{"access_token":"s3cr3t","token_type":7}"#,
        r#"{"access_token":"s3cr3t","refresh_token":7}"#,
        r#"{"access_token":"s3cr3t","refresh_token":["n3xt"]}"#,
    ] {
        assert_eq!(kind(200, body), TokenErrorKind::Malformed, "{body}");
    }
}

#[test]
fn oauth_errors_by_what_the_caller_can_do() {
    use TokenErrorKind as Kind;
    for (status, body, expected) in [
        (
            400,
            r#"{"error":"invalid_client","description":"authentication failed"}"#,
            Kind::Denied,
        ),
        (401, r#"{"error":"invalid_client"}"#, Kind::Denied),
        (400, r#"{"error":"invalid_grant"}"#, Kind::LoginRequired),
        (400, r#"{"error":"unauthorized_client"}"#, Kind::Denied),
        (400, r#"{"error":"unsupported_grant_type"}"#, Kind::Denied),
        (
            400,
            r#"{"error":"invalid_request","description":"missing grant"}"#,
            Kind::Denied,
        ),
        (
            400,
            r#"{"error":"invalid_request","description":"rate limit exceeded; try later"}"#,
            Kind::Throttled,
        ),
        (
            400,
            r#"{"error":"invalid_request","error_description":"Rate limit exceeded; wait"}"#,
            Kind::Throttled,
        ),
        (429, "slow down", Kind::Throttled),
        (403, "<html>blocked</html>", Kind::Unavailable),
        (400, r#"{"error":"something_else"}"#, Kind::Unavailable),
        (500, "", Kind::Unavailable),
        (503, r#"{"error":"invalid_client"}"#, Kind::Unavailable),
        (302, "", Kind::Malformed),
    ] {
        assert_eq!(kind(status, body), expected, "{status} {body}");
    }
}

#[test]
fn a_refused_client_hears_of_the_region_and_the_host() {
    let error = parse(400, r#"{"error":"invalid_client"}"#).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("login.example") && text.contains("or the wrong region"),
        "{text}"
    );
    assert_eq!(error.oauth_code(), Some("invalid_client"));
    assert_eq!(error.login_host(), Some("login.example"));
    assert_eq!(error.correlation_id(), Some("c0ffee-1"));
}

#[test]
fn retry_after_comes_along() {
    let mut head = head(429);
    head.headers
        .insert("retry-after", http::HeaderValue::from_static("42"));
    let failure = token(head.status, b"", &Dialect::new()).unwrap_err();
    let error = failure.into_error("login.example", &head, "client_credentials");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(42)));
}

#[test]
fn a_retry_after_of_zero_or_of_the_past_counts_as_not_stated() {
    for (status, value) in [
        (429, "0"),
        (503, "0"),
        (429, "Tue, 15 Nov 1994 08:12:31 GMT"),
    ] {
        let mut head = head(status);
        let asked = http::HeaderValue::from_static(value);
        head.headers.insert("retry-after", asked);
        let failure = token(head.status, b"", &Dialect::new()).unwrap_err();
        let error = failure.into_error("login.example", &head, "client_credentials");
        assert_eq!(error.retry_after(), None, "{status} {value}");
        assert_eq!(error.asks_for_rest(), status == 429);
    }
}

#[test]
fn a_200_with_an_error_is_what_that_error_is() {
    use TokenErrorKind as Kind;
    for (body, expected) in [
        (r#"{"error":"invalid_client"}"#, Kind::Denied),
        (r#"{"error":"invalid_grant"}"#, Kind::LoginRequired),
        (
            r#"{"error":"invalid_request","description":"rate limit exceeded; wait"}"#,
            Kind::Throttled,
        ),
        (r#"{"error":"something_else"}"#, Kind::Malformed),
        (r#"{"error":{"code":1}}"#, Kind::Malformed),
        (
            r#"{"error":"invalid_grant","access_token":"s3cr3t"}"#,
            Kind::Malformed,
        ),
    ] {
        assert_eq!(kind(200, body), expected, "{body}");
    }
    let empty = parse(200, r#"{"error":"","access_token":"t"}"#).unwrap();
    assert_eq!(empty.expose(), "t");
}

#[test]
fn the_body_of_a_429_or_5xx_adds_a_code_and_decides_nothing() {
    for status in [429, 500, 503] {
        let bare = parse(status, "<html>").unwrap_err();
        let named = parse(status, r#"{"error":"invalid_grant"}"#).unwrap_err();
        assert_eq!(bare.kind(), named.kind(), "{status}");
        assert_eq!(
            (bare.oauth_code(), named.oauth_code()),
            (None, Some("invalid_grant"))
        );
    }
}

#[test]
fn an_invalid_grant_says_what_may_be_wrong_with_it() {
    let head = head(400);
    let text = |grant| {
        Failure::LoginRequired
            .into_error("h", &head, grant)
            .to_string()
    };
    let code = text("authorization_code");
    assert!(
        code.contains("redirect URI") && code.contains("PKCE verifier"),
        "{code}"
    );
    let saml = text("urn:ietf:params:oauth:grant-type:saml2-bearer");
    assert!(saml.contains("assertion"), "{saml}");
    let refresh = text("refresh_token");
    assert!(
        refresh.contains("log in again") && !refresh.contains("verifier"),
        "{refresh}"
    );
}

#[test]
fn other_types_of_tokens_are_taken_for_bearer_when_a_dialect_says_so() {
    let jwt = r#"{"access_token":"t","token_type":"jwt"}"#;
    assert_eq!(kind(200, jwt), TokenErrorKind::Malformed);
    let dialect = Dialect::new().with_token_type("JWT").with_token_type("mac");
    let bearer = r#"{"access_token":"t","token_type":"BEARER"}"#;
    for body in [jwt, bearer, r#"{"access_token":"t","token_type":"MAC"}"#] {
        assert_eq!(answer_in(&dialect, 200, body).unwrap().access.expose(), "t");
    }
    let other = r#"{"access_token":"t","token_type":"N_A"}"#;
    assert!(answer_in(&dialect, 200, other).is_err());
}

proptest! {
    /// Whatever comes, there is an answer, and nothing of the body in it.
    #[test]
    fn no_body_gets_into_an_error(status in 200..600_u16, body in "MARK[ -~]{0,40}") {
        for body in [body.clone(), format!(r#"{{"error":{body:?},"access_token":{body:?}}}"#)] {
            if let Err(error) = parse(status, &body) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains("MARK"));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(status in 200..600_u16, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let head = head(status);
        let read = token(head.status, &body, &Dialect::new());
        let _ = read.map_err(|failure| failure.into_error("h", &head, "client_credentials"));
    }
}
