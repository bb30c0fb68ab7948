//! Scenarios 11 to 13: errors are typed and shared, and show neither the secret
//! nor the body.

use std::{
    convert::Infallible,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{future::join_all, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower_genesys::{
    Credentials, Region, TokenCache,
    genesys::grants::ClientCredentials,
    testing::{Grant, MockGenesys, MockService, TOKEN},
    token::TokenErrorKind,
};

use crate::setup::{Body, credentials, failure, refreshing};

#[tokio::test(start_paused = true)]
async fn a_refusal_costs_one_request_for_all_callers() {
    use TokenErrorKind as Kind;
    for (code, kind) in [
        ("invalid_client", Kind::Denied),
        ("invalid_grant", Kind::LoginRequired),
        ("unauthorized_client", Kind::Denied),
    ] {
        let mock = MockGenesys::new();
        let body = format!(r#"{{"error":"{code}","description":"MARK"}}"#);
        mock.on(TOKEN)
            .reply(StatusCode::BAD_REQUEST, HeaderMap::new(), body);
        let cache = TokenCache::new(refreshing(&mock, mock.service()));
        let errors = join_all((0..1000).map(|_| cache.token())).await;
        for error in errors {
            let error = error.unwrap_err();
            assert_eq!((error.kind(), error.oauth_code()), (kind, Some(code)));
            assert_eq!(error.login_host(), Some(mock.region().login_host()));
            let text = format!("{error} {error:?}");
            assert!(text.contains(mock.region().login_host()), "{text}");
            assert!(
                !text.contains("MARK") && !text.contains("client-secret"),
                "{text}"
            );
        }
        assert_eq!(mock.token_posts(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_forbidden_grant_says_where_to_allow_it() {
    let mock = MockGenesys::new();
    mock.allow_grants([Grant::AuthorizationCode]);
    let error = TokenCache::new(client_credentials(&mock))
        .token()
        .await
        .unwrap_err();
    assert_eq!(error.oauth_code(), Some("unauthorized_client"));
    assert!(error.to_string().contains("grant type"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_token_is_malformed_and_never_shown() {
    for body in [
        "<html>MARK</html>",
        r#"{"access_token":"MARK","#,
        r#"{"error":"MARK","access_token":"MARK"}"#,
        r#"{"token_type":"MARK"}"#,
        r#"{"access_token":""}"#,
        r#"{"access_token":"MARK\nx-evil: 1","expires_in":60}"#,
        r#"{"access_token":"MARK","token_type":"mac"}"#,
        "",
    ] {
        let mock = MockGenesys::new();
        mock.on(TOKEN).reply_token_json(body);
        let cache = TokenCache::new(client_credentials(&mock));
        let error = cache.token().await.unwrap_err();
        assert_eq!(error.kind(), TokenErrorKind::Malformed, "{body}");
        let text = format!("{error} {error:?} {:?}", cache.status());
        assert!(!text.contains("MARK"), "{text}");
    }
}

#[tokio::test]
async fn the_error_of_a_connector_without_tls_names_it() {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let credentials = Credentials::new("id", "secret").unwrap();
    let source = ClientCredentials::new(Region::EU_WEST_1, credentials, client);
    let error = failure(&source).await;
    assert_eq!(error.kind(), TokenErrorKind::Denied);
    let text = error.to_string();
    assert!(text.contains("a connector without TLS"), "{text}");
    assert!(text.contains("login.mypurecloud.ie"), "{text}");
    assert!(error.source().is_some(), "{text}");
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_64_kib() {
    let frames = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&frames);
    let client = tower::service_fn(move |_: Request<Body>| {
        let counted = Arc::clone(&counted);
        let endless = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b' '; 16 * 1024])))
        });
        std::future::ready(Ok::<_, Infallible>(Response::new(StreamBody::new(endless))))
    });
    let mock = MockGenesys::new();
    let source = ClientCredentials::new(mock.region(), credentials(&mock), client);
    let error = failure(&source).await;
    assert_eq!(error.kind(), TokenErrorKind::Malformed);
    assert!(error.to_string().contains("65536 bytes"), "{error}");
    assert_eq!(
        frames.load(Ordering::SeqCst),
        5,
        "the fifth frame exceeds the limit"
    );
}

fn client_credentials(mock: &MockGenesys) -> ClientCredentials<MockService, Credentials, Body> {
    ClientCredentials::new(mock.region(), credentials(mock), mock.service())
}
