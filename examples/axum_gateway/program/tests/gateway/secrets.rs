use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tower_genesys::testing::{ANY_API, TOKEN, USERS};

use crate::setup::{Setup, setup, text};

/// A request with every header that must not be forwarded.
fn curious(setup: &Setup, path: &str) -> Request<axum::body::Body> {
    let mut request = setup.get(path);
    for (name, value) in [
        ("authorization", "Bearer of-the-caller"),
        ("proxy-authorization", "Basic b2YtdGhlLWNhbGxlcg=="),
        ("cookie", "session=of-the-caller"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "of-the-caller"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("x-forwarded-for", "10.0.0.1"),
        ("accept", "application/json"),
    ] {
        request
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn what_identifies_the_caller_or_one_connection_goes_no_further() {
    let setup = setup().await;
    let sent = setup.send(curious(&setup, "/orgs/acme/api/v2/users")).await;
    assert_eq!(sent.status(), StatusCode::OK);
    let arrived = &setup.mocks[0].requests_at(ANY_API)[0];
    let headers = arrived.headers();
    let mut names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "host"]);
    assert_eq!(headers.get_all(header::AUTHORIZATION).iter().count(), 1);
    assert_ne!(arrived.bearer(), Some("of-the-caller"));
    assert!(
        !setup
            .url
            .ends_with(headers["host"].to_str().expect("it is text"))
    );
}

/// Everything in a response that a caller can see.
async fn seen(response: Response<Incoming>) -> String {
    let head = format!("{} {:?}", response.status(), response.headers());
    let values = response.headers().values();
    let values: String = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    format!("{head} {values} {}", text(response).await)
}

#[tokio::test]
async fn the_token_is_in_no_response() {
    let setup = setup().await;
    setup.warm().await;
    let mock = &setup.mocks[0];
    // The worst case from the API: the token in headers that the gateway does
    // not forward.
    let token = setup.orgs["acme"].tokens().token().await.expect("a token");
    let leak = HeaderValue::from_str(token.expose()).expect("it is one for a header");
    let script = mock.on(USERS).header(header::SET_COOKIE, leak.clone());
    let _ = script.header(header::WWW_AUTHENTICATE, leak);

    let mut all = String::new();
    for path in [
        "/orgs/acme/api/v2/users",
        "/orgs/acme/api/v2/users/x",
        "/orgs/x/y",
        "/ready",
    ] {
        all += &seen(setup.send(curious(&setup, path)).await).await;
    }
    mock.on(USERS).reply_401();
    all += &seen(setup.send(curious(&setup, "/orgs/acme/api/v2/users")).await).await;
    mock.disable_client();
    mock.on(TOKEN).always().reply_503();
    for _ in 0..2 {
        all += &seen(setup.send(curious(&setup, "/orgs/acme/api/v2/users")).await).await;
    }
    assert!(all.contains("502") && all.contains("200"), "{all}");

    let mut secrets: Vec<String> = mock
        .requests()
        .iter()
        .filter_map(|sent| sent.bearer().map(str::to_owned))
        .collect();
    secrets.push(token.expose().to_owned());
    secrets.push(mock.client_secret());
    secrets.push(mock.client_id());
    assert!(secrets.len() >= 5);
    for secret in secrets {
        assert!(!all.contains(&secret), "a secret was shown");
    }
}
