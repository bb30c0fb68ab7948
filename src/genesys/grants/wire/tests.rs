use http::Response;
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

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
    let head = head(status);
    token(&head, body.as_bytes()).map_err(|failure| failure.into_error("login.example", &head))
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
        ("0", 0),
        ("-5", 0),
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
    let error = token(&head, b"")
        .unwrap_err()
        .into_error("login.example", &head);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(42)));
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
        let _ = token(&head, &body).map_err(|failure| failure.into_error("h", &head));
    }
}
