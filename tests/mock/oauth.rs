//! The token endpoint of `MockGenesys`, with the requests of any OAuth 2.0
//! client.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use tower_genesys::testing::{Grant, MockGenesys, TOKEN};

const CREDENTIALS: &str = "grant_type=client_credentials";
const CALLBACK: &str = "https%3A%2F%2Fapp.example%2Fcb";

fn request(mock: &MockGenesys, basic: Option<&str>, form: &str) -> Request<Full<Bytes>> {
    let mut request = Request::post(mock.region().token_url())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(basic) = basic {
        let value = format!("Basic {}", STANDARD.encode(basic));
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(Full::from(form.to_owned())).unwrap()
}

async fn send(mock: &MockGenesys, request: Request<Full<Bytes>>) -> (StatusCode, Value) {
    let response = mock.service().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn ask(mock: &MockGenesys, form: &str) -> (StatusCode, Value) {
    let basic = format!("{}:{}", mock.client_id(), mock.client_secret());
    send(mock, request(mock, Some(&basic), form)).await
}

/// Status, code and description of an error, after a check of its shape.
fn refused((status, body): (StatusCode, Value)) -> (u16, String, String) {
    assert_eq!(body["description"], body["error_description"]);
    assert_eq!(
        body.as_object().unwrap().len(),
        3,
        "OAuth's shape, not the API's"
    );
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (status.as_u16(), text("error"), text("description"))
}

fn refusal(answer: (StatusCode, Value)) -> String {
    let (status, error, _) = refused(answer);
    assert_eq!(status, 400);
    error
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_and_an_unknown_client_have_different_errors() {
    let mock = MockGenesys::new();
    let wrong = send(&mock, request(&mock, Some("client-id:wrong"), CREDENTIALS)).await;
    let (status, error, why) = refused(wrong);
    assert_eq!(
        (status, &*error, &*why),
        (400, "invalid_client", "authentication failed")
    );
    let unknown = send(&mock, request(&mock, Some("me:client-secret"), CREDENTIALS)).await;
    let (status, error, why) = refused(unknown);
    assert_eq!((status, &*error), (400, "invalid_client"));
    assert!(why.starts_with("client not found: "), "{why}");
    for basic in [None, Some("no colon")] {
        let answer = send(&mock, request(&mock, basic, CREDENTIALS)).await;
        assert_eq!(refusal(answer), "invalid_client");
    }
    assert_eq!((mock.token_posts(), mock.live_tokens()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn form_encoded_credentials_are_different_credentials() {
    let mock = MockGenesys::builder().client("a b&c", "s:%+=/é").build();
    let (id, secret) = (mock.client_id(), mock.client_secret());
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let encoded = format!("{}:{}", encode(&id), encode(&secret));
    let other = encoded.replace('+', "%20");
    let as_it_is = format!("{id}:{secret}");
    let (status, body) = send(&mock, request(&mock, Some(&as_it_is), CREDENTIALS)).await;
    assert_eq!(status, 200, "{body}");
    for basic in [&encoded, &other] {
        let answer = send(&mock, request(&mock, Some(basic), CREDENTIALS)).await;
        assert_eq!(refusal(answer), "invalid_client", "{basic}");
    }
    let lower = request(&mock, Some(&format!("{id}:S:%+=/é")), CREDENTIALS);
    assert_eq!(refusal(send(&mock, lower).await), "invalid_client");
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_replaces_the_old_one() {
    let mock = MockGenesys::new();
    mock.rotate_secret("new");
    let old = send(
        &mock,
        request(&mock, Some("client-id:client-secret"), CREDENTIALS),
    )
    .await;
    assert_eq!(refusal(old), "invalid_client");
    assert_eq!(ask(&mock, CREDENTIALS).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_code_works_once_and_only_with_its_redirect_uri() {
    let mock = MockGenesys::new();
    let form =
        |code: &str| format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    let code = mock.issue_code("https://app.example/cb");
    let (status, body) = ask(&mock, &form(&code)).await;
    assert_eq!(status, 200);
    assert!(body["refresh_token"].is_string());
    assert_eq!(refusal(ask(&mock, &form(&code)).await), "invalid_grant");
    let elsewhere = mock.issue_code("https://evil.example/cb");
    assert_eq!(
        refusal(ask(&mock, &form(&elsewhere)).await),
        "invalid_grant"
    );
    let missing = ask(&mock, "grant_type=authorization_code&code=x").await;
    assert_eq!(refusal(missing), "invalid_request");
    let public = send(
        &mock,
        request(
            &mock,
            None,
            &form(&mock.issue_code("https://app.example/cb")),
        ),
    );
    assert_eq!(refusal(public.await), "invalid_client");
}

#[tokio::test(start_paused = true)]
async fn pkce_needs_the_verifier_and_no_secret() {
    let mock = MockGenesys::new();
    let verifier = "a-verifier-that-is-long-enough-to-be-one-of-them";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let ask = |verifier: &str| {
        let code = mock.issue_code_with_challenge("https://app.example/cb", &challenge);
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}\
             &client_id=client-id&code_verifier={verifier}"
        );
        send(&mock, request(&mock, None, &form))
    };
    let (right, wrong) = (ask(verifier), ask("another"));
    let (status, body) = right.await;
    assert_eq!(status, 200);
    assert!(body.get("refresh_token").is_none());
    assert_eq!(refusal(wrong.await), "invalid_grant");
    // With the secret as well, there is a refresh token.
    let code = mock.issue_code_with_challenge("https://app.example/cb", &challenge);
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={verifier}"
    );
    assert!(
        self::ask(&mock, &form)
            .await
            .1
            .get("refresh_token")
            .is_some()
    );
    // A code with a challenge is refused without its verifier.
    let code = mock.issue_code_with_challenge("https://app.example/cb", &challenge);
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    let basic = Some("client-id:client-secret");
    assert_eq!(
        refusal(send(&mock, request(&mock, basic, &form)).await),
        "invalid_grant"
    );
}

#[tokio::test(start_paused = true)]
async fn refresh_tokens_rotate() {
    let mock = MockGenesys::new();
    let first = mock.issue_refresh_token();
    let form = |token: &str| format!("grant_type=refresh_token&refresh_token={token}");
    let (status, body) = ask(&mock, &form(&first)).await;
    assert_eq!(status, 200);
    let second = body["refresh_token"].as_str().unwrap();
    assert_eq!(refusal(ask(&mock, &form(&first)).await), "invalid_grant");
    assert_eq!(
        refusal(send(&mock, request(&mock, None, &form(second))).await),
        "invalid_client"
    );
    assert_eq!(ask(&mock, &form(second)).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_inactivity_timeout_means_no_refresh_token() {
    let mock = MockGenesys::builder().refresh_tokens(false).build();
    let code = mock.issue_code("https://app.example/cb");
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    let (status, body) = ask(&mock, &form).await;
    assert_eq!((status.as_u16(), body.get("refresh_token")), (200, None));
}

#[tokio::test(start_paused = true)]
async fn a_login_has_a_user() {
    let mock = MockGenesys::new();
    let saml = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer&orgName=org";
    let (status, body) = ask(&mock, &format!("{saml}&assertion=PHNhbWw%2B")).await;
    assert_eq!(status, 200);
    let me = Request::get(mock.region().api("/api/v2/users/me").unwrap())
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", body["access_token"].as_str().unwrap()),
        )
        .body(Full::default());
    assert_eq!(send(&mock, me.unwrap()).await.0, 200);
    assert_eq!(
        refusal(ask(&mock, &format!("{saml}&assertion=<x>")).await),
        "invalid_grant"
    );
    assert_eq!(refusal(ask(&mock, saml).await), "invalid_request");
}

#[tokio::test(start_paused = true)]
async fn malformed_token_requests_have_the_matching_error_code() {
    let mock = MockGenesys::new();
    assert_eq!(refusal(ask(&mock, "").await), "invalid_request");
    assert_eq!(refusal(ask(&mock, "grant_type=").await), "invalid_request");
    let twice = format!("{CREDENTIALS}&{CREDENTIALS}");
    assert_eq!(refusal(ask(&mock, &twice).await), "invalid_request");
    assert_eq!(
        refusal(ask(&mock, "grant_type=password").await),
        "unsupported_grant_type"
    );
    mock.allow_grants([Grant::AuthorizationCode]);
    assert_eq!(
        refusal(ask(&mock, CREDENTIALS).await),
        "unauthorized_client"
    );

    let mut json = request(&mock, Some("client-id:client-secret"), "{}");
    json.headers_mut()
        .insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    assert_eq!(refused(send(&mock, json).await).0, 415);
    let mut get = request(&mock, None, "");
    *get.method_mut() = Method::GET;
    assert_eq!(refused(send(&mock, get).await).0, 405);
    assert_eq!(
        (mock.token_posts(), mock.live_tokens()),
        (6, 0),
        "a GET does not count as a token POST"
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_is_a_400_that_names_the_rate_limit() {
    let mock = MockGenesys::new();
    let wait = header::HeaderValue::from_static("30");
    let rule = mock.on(TOKEN).once().throttle_400();
    rule.header(header::RETRY_AFTER, wait);
    let response = mock.service().oneshot(request(&mock, None, CREDENTIALS));
    assert_eq!(response.await.unwrap().headers()[header::RETRY_AFTER], "30");
    mock.on(TOKEN).once().throttle_400();
    let (status, error, why) = refused(ask(&mock, CREDENTIALS).await);
    assert_eq!((status, &*error), (400, "invalid_request"));
    assert!(why.starts_with("rate limit exceeded;"), "{why}");
    assert_eq!(ask(&mock, CREDENTIALS).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn expires_in_can_be_anything() {
    let mock = MockGenesys::new();
    for (raw, found) in [
        ("-1", "-1"),
        ("\"60\"", "\"60\""),
        ("1e99", "1e+99"),
        ("soon", "\"soon\""),
    ] {
        mock.on(TOKEN).once().expires_in(raw);
        let (_, body) = ask(&mock, CREDENTIALS).await;
        assert_eq!(body["expires_in"].to_string(), found);
        assert!(body["access_token"].is_string());
    }
    mock.on(TOKEN).once().expires_in("");
    assert!(ask(&mock, CREDENTIALS).await.1.get("expires_in").is_none());
    assert_eq!(mock.live_tokens(), 5);
}
