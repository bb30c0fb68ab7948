//! `MockGenesys` in memory, asked by plain requests: nothing of the crate's own client is in here.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_genesys::testing::{
    ANY, ANY_API, CREATE_USER, DETAILS_QUERY, MockBody, MockErrorKind, MockGenesys, Route, TOKEN,
    TOKENS_ME, USERS,
};

/// Status, headers and JSON of an answer.
type Answer = (StatusCode, HeaderMap, Value);

const QUERY: &str = "/api/v2/analytics/conversations/details/query";

async fn open(response: Response<MockBody>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(
        head.headers[header::CONTENT_LENGTH],
        body.len().to_string().as_str()
    );
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (head.status, head.headers, json)
}

async fn send(mock: &MockGenesys, request: Request<Full<Bytes>>) -> Answer {
    open(mock.service().oneshot(request).await.unwrap()).await
}

fn form(mock: &MockGenesys, secret: &str, form: &str) -> Request<Full<Bytes>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let basic = STANDARD.encode(format!("{}:{secret}", mock.client_id()));
    Request::post(mock.region().token_url())
        .header("AUTHORIZATION", format!("basic {basic}"))
        .header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .body(Full::from(form.to_owned()))
        .unwrap()
}

async fn token(mock: &MockGenesys) -> String {
    let request = form(mock, &mock.client_secret(), "grant_type=client_credentials");
    let (status, _, body) = send(mock, request).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

fn api(mock: &MockGenesys, method: Method, path: &str, token: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(mock.region().api(path).unwrap())
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::default())
        .unwrap()
}

fn post(mock: &MockGenesys, path: &str, token: &str, body: &Value) -> Request<Full<Bytes>> {
    let mut request = api(mock, Method::POST, path, token);
    let json = header::HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    *request.body_mut() = Full::from(body.to_string());
    request
}

async fn get(mock: &MockGenesys, path: &str, token: &str) -> Answer {
    send(mock, api(mock, Method::GET, path, token)).await
}

#[tokio::test(start_paused = true)]
async fn a_token_opens_the_api_until_it_expires() {
    let mock = MockGenesys::new();
    let request = form(&mock, "client-secret", "grant_type=client_credentials");
    let (_, headers, body) = send(&mock, request).await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 86_399);
    assert_eq!(body.as_object().unwrap().len(), 3, "no refresh token");
    let token = body["access_token"].as_str().unwrap();

    tokio::time::advance(Duration::from_secs(86_399)).await;
    assert_eq!(get(&mock, "/api/v2/users", token).await.0, 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    let (status, headers, body) = get(&mock, "/api/v2/users", token).await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "bad.credentials");
    assert_eq!(
        body["contextId"],
        headers["ININ-Correlation-Id"].to_str().unwrap()
    );
    assert_eq!((mock.token_posts(), mock.api_calls()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_missing_bearer_is_told_from_a_bad_one() {
    let mock = MockGenesys::new();
    let mut request = api(&mock, Method::GET, "/api/v2/users", "x");
    request.headers_mut().clear();
    let (status, _, body) = send(&mock, request).await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (401, &json!("authentication.required"))
    );
    let (status, _, body) = get(&mock, "/api/v2/users", "nonsense").await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (401, &json!("bad.credentials"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_fourth_query_gets_429_and_only_that() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let body = json!({ "interval": mock.interval() });
    let ask = || send(&mock, post(&mock, QUERY, &token, &body));
    assert_eq!(ask().await.0, 200);
    // The rule comes late, and all the same counts from the beginning.
    mock.on(DETAILS_QUERY)
        .nth(4)
        .reply_429(Duration::from_millis(41_001));
    let mut statuses = Vec::new();
    for _ in 2..=5 {
        let (status, headers, body) = ask().await;
        statuses.push(status.as_u16());
        if status == 429 {
            assert_eq!(headers[header::RETRY_AFTER], "42");
            assert_eq!(body["code"], "too.many.requests.retry.after");
            assert_eq!(
                body["message"],
                "Rate limit exceeded the maximum. Retry the request in [42] seconds"
            );
        }
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
    assert_eq!(mock.count(DETAILS_QUERY), 5);
}
