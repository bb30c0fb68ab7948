//! A custom token source, classifier and layer:
//! `cargo run --example own_middleware`

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_genesys::{
    BearerLayer, BoxError, RefreshLayer, ReplayLayer, RetryLayer, RetryPolicy, TokenCache,
    TokenError,
    bearer::Origins,
    retry::{Attempt, Backoff, BoxErrorClassifier, Class, Classify, RequestHead, ResponseHead},
    testing::{CREATE_USER, MockGenesys},
    token::{FetchContext, IssuedToken, TokenSource},
};

/// Tokens from another service, here the mock. Each fetch is one request,
/// without cache or retry.
struct Vault(MockGenesys);

impl TokenSource for Vault {
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let lifetime = Duration::from_secs(3600);
        Ok(IssuedToken::new(self.0.mint_token(), lifetime))
    }
}

/// A gateway in front of the API answers 520 if it has not reached the API.
#[derive(Clone, Copy)]
struct Gateway(BoxErrorClassifier);

impl Classify<BoxError> for Gateway {
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        match response.status().as_u16() {
            520 => Class::NotSent, // so that even a POST is sent again
            _ => Classify::<BoxError>::response(&self.0, request, response),
        }
    }

    fn error(&self, request: RequestHead<'_>, error: &BoxError) -> Class {
        self.0.error(request, error)
    }
}

/// Tells the gateway the number of the attempt, for any body.
fn count_attempts<B>(mut request: Request<B>) -> Request<B> {
    let attempt = Attempt::of(request.extensions()).get();
    request.headers_mut().insert("x-attempt", attempt.into());
    request
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mock = MockGenesys::new();
    let tokens = TokenCache::new(Vault(mock.clone()));
    let origins = Origins::of_host(mock.region().api_host())?;
    let backoff = Backoff::new().with_base(Duration::from_millis(10));
    let retry = RetryLayer::new(RetryPolicy::new().with_backoff(backoff));
    let stack = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(retry.with_classifier(Gateway(BoxErrorClassifier::new())))
        .map_request(count_attempts) // outside of `Bearer`: it never sees the token
        .layer(RefreshLayer::new())
        .layer(BearerLayer::new(tokens.clone(), origins))
        .service(mock.service());

    let unreached = StatusCode::from_u16(520)?;
    mock.on(CREATE_USER).nth(1).reply_status(unreached);
    mock.on(CREATE_USER).nth(2).revoke_token();
    let body = Full::<Bytes>::from(r#"{"name":"Ada","email":"ada@example.com"}"#);
    let request = Request::post(mock.region().api("/api/v2/users")?).body(body)?;
    let response = stack.oneshot(request).await?;

    // A 520, a retry that gets a 401, and the replay with the next token.
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(mock.created_users(), 1);
    let sent = mock.requests_at(CREATE_USER);
    let attempts = sent.iter().map(|sent| &sent.headers()["x-attempt"]);
    assert!(attempts.eq(["1", "2", "3"]));
    println!("a user created once, by the third attempt");
    Ok(())
}
