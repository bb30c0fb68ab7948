//! `/oauth/authorize`: who may log in, and where the browser is sent back to.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use tower::ServiceExt;
use tower_genesys::testing::{AUTHORIZE, Grant, MockGenesys};

const CALLBACK: &str = "http://127.0.0.1:8421/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The query of a good login, with these parameters replaced. An empty value
/// leaves its parameter out.
fn query(changes: &[(&str, &str)]) -> String {
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", "client-id"),
        ("redirect_uri", CALLBACK),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        query.retain(|(known, _)| known != name);
        query.extend((!value.is_empty()).then_some((*name, *value)));
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish()
}

fn mock() -> MockGenesys {
    MockGenesys::builder().redirect_uri(CALLBACK).build()
}

async fn ask(mock: &MockGenesys, query: &str) -> (StatusCode, Option<String>) {
    let base = mock.region().login_base().to_string();
    let uri = format!("{}/oauth/authorize?{query}", base.trim_end_matches('/'));
    let request = Request::get(uri).body(Full::<Bytes>::default()).unwrap();
    let response = mock.service().oneshot(request).await.unwrap();
    let location = response.headers().get(header::LOCATION);
    let location = location.map(|value| value.to_str().unwrap().to_owned());
    (response.status(), location)
}

/// The parameters that the browser brings back to the redirect URI.
async fn back(mock: &MockGenesys, query: &str) -> Vec<(String, String)> {
    let (status, location) = ask(mock, query).await;
    assert_eq!(status, StatusCode::FOUND, "{query}");
    let location: Uri = location.unwrap().parse().unwrap();
    assert_eq!(location.path(), "/callback");
    let query = location.query().unwrap().as_bytes();
    form_urlencoded::parse(query).into_owned().collect()
}

#[tokio::test(start_paused = true)]
async fn a_login_returns_a_code_and_its_state() {
    let mock = mock();
    let back = back(&mock, &query(&[])).await;
    assert_eq!(back[0].0, "code");
    assert!(!back[0].1.is_empty());
    assert_eq!(back[1..], [("state".into(), "a b&c".into())]);
    assert_eq!(mock.count(AUTHORIZE), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_client_or_redirect_uri_is_not_redirected() {
    let mock = mock();
    for changes in [
        ("client_id", "another"),
        ("client_id", ""),
        ("redirect_uri", "http://127.0.0.1:8421/callback/"),
        ("redirect_uri", "http://evil.example/callback"),
        ("redirect_uri", ""),
    ] {
        let answer = ask(&mock, &query(&[changes])).await;
        assert_eq!(answer, (StatusCode::BAD_REQUEST, None), "{changes:?}");
    }
    mock.disable_client();
    let answer = ask(&mock, &query(&[])).await;
    assert_eq!(answer, (StatusCode::BAD_REQUEST, None));
    let none = MockGenesys::new();
    let answer = ask(&none, &query(&[])).await;
    assert_eq!(
        answer,
        (StatusCode::BAD_REQUEST, None),
        "no redirect URI is listed"
    );
}

#[tokio::test(start_paused = true)]
async fn other_faults_are_returned_as_errors_of_the_rfc() {
    let mock = mock();
    for (changes, error) in [
        (
            &[("response_type", "token")][..],
            "unsupported_response_type",
        ),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
    ] {
        let back = back(&mock, &query(changes)).await;
        assert_eq!(back[0], ("error".into(), error.into()), "{changes:?}");
        assert_eq!(back[2], ("state".into(), "a b&c".into()));
    }
    mock.allow_grants([Grant::ClientCredentials]);
    let back = back(&mock, &query(&[])).await;
    assert_eq!(back[0].1, "unauthorized_client");
}

#[tokio::test(start_paused = true)]
async fn it_answers_get_requests_only() {
    let mock = mock();
    let base = mock.region().login_base().to_string();
    let uri = format!(
        "{}/oauth/authorize?{}",
        base.trim_end_matches('/'),
        query(&[])
    );
    let request = Request::builder().method(Method::POST).uri(uri);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let response = mock.service().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET");
}
