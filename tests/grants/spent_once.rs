//! A refresh token or a code that may have been used is never sent again, and
//! one that certainly was not is kept.

use std::{future::Future, pin::pin, task::Context};

use futures_util::{FutureExt, task::noop_waker};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::Instant;
use tower_genesys::{
    Region, TokenCache,
    genesys::grants::{AuthorizationCode, LoginCode, RefreshToken},
    testing::{MockGenesys, Script, TOKEN},
    token::{FetchContext, Reason, TokenErrorKind, TokenSource},
};

use crate::setup::{
    Body, CALLBACK, Client as Scripted, Store, Way, assert_none_twice, credentials, failure, fetch,
    kind, refreshing, sent,
};

const LOST: TokenErrorKind = TokenErrorKind::LoginRequired;

#[tokio::test(start_paused = true)]
async fn an_error_before_the_send_loses_no_login() {
    for way in [Way::NotReady, Way::Refused] {
        let mock = MockGenesys::new();
        let source = refreshing(&mock, Scripted::new(&mock, [way, way]));
        for _ in 0..2 {
            assert_eq!(kind(&source).await, TokenErrorKind::Transport, "{way:?}");
        }
        fetch(&source).await.unwrap();
        assert_eq!(mock.token_posts(), 1, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_layer_refuses_loses_no_login() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, Scripted::new(&mock, [Way::Stopped, Way::Stopped]));
    for _ in 0..2 {
        let error = failure(&source).await;
        assert_eq!(error.kind(), TokenErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("was not asked"), "{error}");
    }
    assert!(!source.handle().is_login_required());
    fetch(&source).await.unwrap();
    assert_eq!(mock.token_posts(), 1);
}

/// The error is a real client's, for a port on which nothing listens.
#[tokio::test]
async fn a_refused_connection_loses_no_login() {
    let mock = MockGenesys::new();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let region = Region::custom(&closed, &closed).unwrap();
    let source = RefreshToken::new(region, credentials(&mock), "refresh", client);
    for _ in 0..2 {
        assert_eq!(kind(&source).await, TokenErrorKind::Transport);
    }
    assert!(!source.handle().is_login_required());
}

#[tokio::test(start_paused = true)]
async fn after_a_certain_refusal_the_refresh_token_is_sent_again() {
    use TokenErrorKind as Kind;
    let denied = r#"{"error":"invalid_client"}"#;
    let json = |rule: Script, body| rule.reply(StatusCode::BAD_REQUEST, HeaderMap::new(), body);
    type Rule<'a> = &'a dyn Fn(Script) -> Script;
    let rules: [(Rule<'_>, Kind); 8] = [
        (&|rule| rule.throttle_400(), Kind::Throttled),
        (
            &|rule| rule.reply_429_without_retry_after(),
            Kind::Throttled,
        ),
        (&|rule| rule.reply_503(), Kind::Unavailable),
        (&|rule| rule.reply_503().truncated_body(), Kind::Unavailable),
        (
            &|rule| rule.reply_html(StatusCode::FORBIDDEN),
            Kind::Unavailable,
        ),
        (
            &|rule| rule.reply_status(StatusCode::FOUND),
            Kind::Malformed,
        ),
        (&|rule| json(rule, denied), Kind::Denied),
        (&|rule| rule.reply_token_json(denied), Kind::Denied),
    ];
    for (at, (rule, expected)) in rules.into_iter().enumerate() {
        let mock = MockGenesys::new();
        let source = refreshing(&mock, mock.service());
        rule(mock.on(TOKEN).once());
        assert_eq!(kind(&source).await, expected, "rule {at}");
        fetch(&source).await.unwrap();
        let tokens = sent(&mock, "refresh_token");
        assert_eq!((tokens.len(), &tokens[0]), (2, &tokens[1]), "rule {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_unknown_outcome_the_refresh_token_is_not_sent_again() {
    type Rule<'a> = &'a dyn Fn(Script) -> Script;
    let rules: [Rule<'_>; 15] = [
        &|rule| rule.reset(),
        &|rule| rule.truncated_body(),
        &|rule| rule.endless_body(),
        &|rule| rule.reply_html(StatusCode::BAD_GATEWAY).truncated_body(),
        &|rule| {
            let long = "x".repeat(70_000);
            rule.reply(StatusCode::GATEWAY_TIMEOUT, HeaderMap::new(), long)
        },
        &|rule| rule.reply_html(StatusCode::OK),
        &|rule| rule.reply_status(StatusCode::INTERNAL_SERVER_ERROR),
        &|rule| rule.reply_html(StatusCode::BAD_GATEWAY),
        &|rule| rule.reply_html(StatusCode::GATEWAY_TIMEOUT),
        &|rule| rule.reply_html(StatusCode::REQUEST_TIMEOUT),
        &|rule| rule.reply_html(StatusCode::from_u16(524).unwrap()),
        &|rule| rule.reply_token_json(""),
        &|rule| rule.reply_token_json(r#"{"error":"something_else"}"#),
        &|rule| rule.reply_token_json(r#"{"refresh_token":"n3xt"}"#),
        &|rule| rule.reply_token_json(r#"{"access_token":"a","refresh_token":7}"#),
    ];
    for (at, rule) in rules.into_iter().enumerate() {
        let mock = MockGenesys::new();
        let source = refreshing(&mock, mock.service());
        let id = HeaderValue::from_static("c0ffee-1");
        rule(mock.on(TOKEN).once())
            .header(header::HeaderName::from_static("inin-correlation-id"), id);
        let first = failure(&source).await;
        assert_eq!(first.kind(), LOST, "rule {at}: {first}");
        assert!(
            std::error::Error::source(&first).is_some(),
            "rule {at}: {first}"
        );
        // All rules except the first send the head of an answer, which has the
        // service's id of the request.
        let id = (at >= 1).then_some("c0ffee-1");
        assert_eq!(first.correlation_id(), id, "rule {at}");
        for _ in 0..3 {
            let error = failure(&source).await;
            assert_eq!(error.kind(), LOST, "rule {at}");
            let text = error.to_string();
            assert!(
                text.contains("may be used up") && text.contains("LoginHandle"),
                "{text}"
            );
        }
        assert_eq!(mock.token_posts(), 1, "rule {at}");
        assert!(source.handle().is_login_required());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_is_not_sent_again() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, mock.service());
    let refused = r#"{"error":"invalid_grant"}"#;
    mock.on(TOKEN)
        .once()
        .reply(StatusCode::BAD_REQUEST, HeaderMap::new(), refused);
    let error = failure(&source).await;
    assert_eq!(
        (error.kind(), error.oauth_code()),
        (LOST, Some("invalid_grant"))
    );
    let error = failure(&source).await;
    assert!(error.to_string().contains("was refused"), "{error}");
    assert_eq!((error.kind(), error.is_transient()), (LOST, false));
    assert_eq!(mock.token_posts(), 1);
}

/// A fetch is dropped after one more poll each time. No refresh token is ever
/// sent twice, and a login whose token was not sent is not lost.
#[tokio::test(start_paused = true)]
async fn a_fetch_may_be_dropped_at_every_poll() {
    let (mut lost, mut kept, mut polls) = (0, 0, 0);
    loop {
        let mock = MockGenesys::new();
        let store = Store::default();
        let client = Scripted::new(&mock, [Way::Slow]);
        let source = refreshing(&mock, client).with_store(store.clone());
        let done = {
            let mut fetching = pin!(fetch(&source));
            let waker = noop_waker();
            let mut cx = Context::from_waker(&waker);
            (0..polls).any(|_| fetching.as_mut().poll(&mut cx).is_ready())
        };
        if done {
            break;
        }
        let arrived = mock.token_posts();
        match fetch(&source).await {
            Ok(token) => {
                kept += 1;
                assert_eq!(mock.token_posts(), 1, "after {polls} polls");
                assert!(mock.revoke(token.expose()), "a valid token");
                assert_eq!(store.tokens().len(), 1);
            }
            Err(error) => {
                lost += 1;
                assert_eq!(error.kind(), LOST);
                assert!(error.to_string().contains("dropped"), "{error}");
                assert_eq!(mock.token_posts(), arrived, "after {polls} polls");
                assert!(store.tokens().is_empty());
            }
        }
        assert_none_twice(&sent(&mock, "refresh_token"));
        polls += 1;
    }
    // The login is kept before the first poll, before the client is ready, and
    // while it is stored. It is lost while the request or the answer is in
    // flight.
    assert_eq!((kept, lost), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_loses_the_login_and_a_valid_token_is_still_served() {
    let mock = MockGenesys::new();
    let cache = TokenCache::new(refreshing(&mock, mock.service()));
    let token = cache.token().await.unwrap();
    mock.on(TOKEN).from(2).never_answers();
    tokio::time::advance(std::time::Duration::from_secs(86_000)).await;
    for _ in 0..60 {
        let current = cache.token().await.unwrap();
        assert_eq!(current.expose(), token.expose());
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(mock.token_posts(), 2, "no other request");
    assert_eq!(cache.status().last_error.unwrap().kind(), LOST);
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(cache.token().await.unwrap_err().kind(), LOST);
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_timeout_says_that_the_login_may_be_lost() {
    let mock = MockGenesys::new();
    mock.on(TOKEN).from(1).never_answers();
    let cache = TokenCache::new(refreshing(&mock, mock.service()));
    let begun = Instant::now();
    let error = cache.token().await.unwrap_err();
    assert!(begun.elapsed() < std::time::Duration::from_secs(15));
    assert_eq!(error.kind(), LOST);
    assert!(
        error.to_string().contains("may be lost") && error.to_string().contains("with_deadline"),
        "{error}"
    );
    assert_eq!(mock.token_posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_client_loses_the_login() {
    let mock = MockGenesys::new();
    let cache = TokenCache::new(refreshing(&mock, Scripted::new(&mock, [Way::Panic])));
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Panicked
    );
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(cache.token().await.unwrap_err().kind(), LOST);
    assert_eq!(mock.token_posts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_second_fetch_is_refused() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, mock.service());
    let held = mock.hold(TOKEN);
    let mut first = pin!(fetch(&source));
    assert!(first.as_mut().now_or_never().is_none());
    let error = failure(&source).await;
    assert_eq!(error.kind(), TokenErrorKind::Busy);
    assert!(error.is_transient());
    held.release();
    first.await.unwrap();
    fetch(&source).await.unwrap();
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_code_is_sent_at_most_once_and_kept_until_then() {
    let mock = MockGenesys::new();
    let code = || LoginCode::new(mock.issue_code(CALLBACK), CALLBACK);
    let source = |script: &[Way]| {
        let client = Scripted::new(&mock, script.iter().copied());
        AuthorizationCode::<_, _, Body>::new(mock.region(), credentials(&mock), code(), client)
    };
    let patient = source(&[Way::NotReady, Way::Refused]);
    for _ in 0..2 {
        assert_eq!(kind(&patient).await, TokenErrorKind::Transport);
    }
    mock.on(TOKEN).once().throttle_400();
    assert_eq!(kind(&patient).await, TokenErrorKind::Throttled);
    fetch(&patient).await.unwrap();
    assert_eq!(mock.token_posts(), 2);

    let broken = source(&[]);
    mock.on(TOKEN).once().reset();
    for _ in 0..3 {
        assert_eq!(kind(&broken).await, LOST);
    }
    assert_eq!(mock.token_posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_begins_after_its_deadline_loses_no_login() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, Scripted::new(&mock, [Way::Slow]));
    let late = FetchContext::new(Reason::Missing, Instant::now());
    let error = source.fetch(late).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("was not sent"), "{error}");
    assert!(fetch(&source).await.is_ok());
    assert_eq!(mock.token_posts(), 1);
}
