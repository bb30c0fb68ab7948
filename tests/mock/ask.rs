//! Plain requests, made without any layer or client of the crate.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::ServiceExt;
use tower_genesys::testing::{MockBody, MockGenesys};

/// Status, headers and JSON of a response.
pub(crate) type Answer = (StatusCode, HeaderMap, Value);

pub(crate) const QUERY: &str = "/api/v2/analytics/conversations/details/query";

pub(crate) async fn open(response: Response<MockBody>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(
        head.headers[header::CONTENT_LENGTH],
        body.len().to_string().as_str()
    );
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (head.status, head.headers, json)
}

pub(crate) async fn send(mock: &MockGenesys, request: Request<Full<Bytes>>) -> Answer {
    open(mock.service().oneshot(request).await.unwrap()).await
}

pub(crate) fn form(mock: &MockGenesys, secret: &str, form: &str) -> Request<Full<Bytes>> {
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

pub(crate) async fn token(mock: &MockGenesys) -> String {
    let request = form(mock, &mock.client_secret(), "grant_type=client_credentials");
    let (status, _, body) = send(mock, request).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

pub(crate) fn api(
    mock: &MockGenesys,
    method: Method,
    path: &str,
    token: &str,
) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(mock.region().api(path).unwrap())
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::default())
        .unwrap()
}

pub(crate) fn post(
    mock: &MockGenesys,
    path: &str,
    token: &str,
    body: &Value,
) -> Request<Full<Bytes>> {
    let mut request = api(mock, Method::POST, path, token);
    let json = header::HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    *request.body_mut() = Full::from(body.to_string());
    request
}

pub(crate) async fn get(mock: &MockGenesys, path: &str, token: &str) -> Answer {
    send(mock, api(mock, Method::GET, path, token)).await
}
