//! A cache, whose key is a part of the request that it sees.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org, testing::MockGenesys, token::TokenProvider,
};

type Body = Full<Bytes>;

const TOKENS_ME: &str = "/api/v2/tokens/me";

fn mock() -> MockGenesys {
    MockGenesys::builder()
        .client("one", "s3cr3t")
        .client("two", "g3h3im")
        .build()
}

fn org(mock: &MockGenesys, id: &str, secret: &str) -> Org {
    Org::builder(mock.region())
        .credentials(Credentials::new(id, secret).expect("well-formed"))
        .build::<Body>(mock.service())
        .expect("it is https")
}

/// A cache that keeps every response and ignores `Cache-Control`.
fn cached<S, B, R, K>(
    inner: S,
    key: impl Fn(&Request<B>) -> K + Clone,
) -> impl Service<Request<B>, Response = Bytes, Error = BoxError> + Clone
where
    S: Service<Request<B>, Response = http::Response<R>> + Clone,
    S::Error: Into<BoxError>,
    R: http_body::Body,
    R::Error: Into<BoxError>,
    K: Hash + Eq,
{
    let entries = Arc::new(Mutex::new(HashMap::new()));
    service_fn(move |request: Request<B>| {
        let (inner, entries) = (inner.clone(), Arc::clone(&entries));
        let key = key(&request);
        async move {
            if let Some(known) = entries.lock().expect("no panic").get(&key) {
                return Ok(Bytes::clone(known));
            }
            let response = inner.oneshot(request).await.map_err(Into::into)?;
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(Into::into)?
                .to_bytes();
            entries.lock().expect("no panic").insert(key, body.clone());
            Ok(body)
        }
    })
}

/// The id in the response that each of the two organisations gets.
async fn whose<S>(stack: &S, orgs: [&Org; 2]) -> Vec<String>
where
    S: Service<Request<Body>, Response = Bytes, Error = BoxError> + Clone,
{
    let mut whose = Vec::new();
    for org in orgs {
        let mut request = Request::new(Body::default());
        *request.uri_mut() = org.api(TOKENS_ME).expect("a path");
        request.extensions_mut().insert(org.clone());
        let body = stack.clone().oneshot(request).await.expect("an answer");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        whose.push(
            body["OAuthClient"]["id"]
                .as_str()
                .expect("an id")
                .to_owned(),
        );
    }
    whose
}

#[tokio::test(start_paused = true)]
async fn outside_of_several_organisations_it_mixes_their_responses_without_their_key() {
    let mock = mock();
    mock.on(tower_genesys::testing::TOKENS_ME).header(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=60"),
    );
    let (one, two) = (org(&mock, "one", "s3cr3t"), org(&mock, "two", "g3h3im"));
    let stack = GenesysLayer::per_request().layer(mock.service());

    let by_url = cached(stack.clone(), |request| request.uri().clone());
    assert_eq!(
        whose(&by_url, [&one, &two]).await,
        ["one", "one"],
        "the second gets the first one's response"
    );

    let by_org = cached(stack, |request| {
        let org = request.extensions().get::<Org>().expect("each names one");
        (org.cache_key(), request.uri().clone())
    });
    for _ in 0..2 {
        assert_eq!(whose(&by_org, [&one, &two]).await, ["one", "two"]);
    }
    assert_eq!(mock.api_calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn inside_it_keeps_organisations_apart_by_their_tokens() {
    let mock = mock();
    let (one, two) = (org(&mock, "one", "s3cr3t"), org(&mock, "two", "g3h3im"));
    let by_token = cached(mock.service(), |request| {
        let token = request.headers().get(header::AUTHORIZATION).cloned();
        (token, request.uri().clone())
    });
    let stack = ServiceBuilder::new()
        .layer(GenesysLayer::per_request())
        .service(by_token.map_response(|body| http::Response::new(Full::new(body))));
    let stack = stack.map_response(|response| response);
    let read = service_fn(move |request: Request<Body>| {
        let stack = stack.clone();
        async move {
            Ok(stack
                .oneshot(request)
                .await?
                .into_body()
                .collect()
                .await?
                .to_bytes())
        }
    });
    for _ in 0..2 {
        assert_eq!(whose(&read, [&one, &two]).await, ["one", "two"]);
    }
    assert_eq!(mock.api_calls(), 2);
    let old = one.tokens().token().await.expect("a token").generation();
    one.tokens().invalidate();
    one.tokens().wait(old).await.expect("a newer token");
    assert_eq!(whose(&read, [&one, &two]).await, ["one", "two"]);
    assert_eq!(mock.api_calls(), 3, "a renewed token is another key");
}

#[test]
fn a_cache_key_belongs_to_one_organisation_and_reveals_nothing_of_it() {
    let mock = mock();
    let (one, two) = (org(&mock, "one", "s3cr3t"), org(&mock, "one", "s3cr3t"));
    assert_eq!(one.cache_key(), one.clone().cache_key());
    assert_ne!(one.cache_key(), two.cache_key());
    let text = one.cache_key().to_string();
    assert_ne!(text, two.cache_key().to_string());
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-'),
        "{text}"
    );
}
