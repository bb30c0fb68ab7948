use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::Instant;
use tower_genesys::{
    BoxError, Credentials, Org, TokenError,
    genesys::CredentialsProvider,
    testing::{MockGenesys, Script, TOKEN},
    token::TokenErrorKind,
};

use crate::setup::{Body, Setup, USERS, after, setup};

const SECONDS: Duration = Duration::from_secs(1);

/// The error of a hundred callers whose token endpoint always does this, and
/// the number of token POSTs.
async fn failing(script: impl FnOnce(Script) -> Script) -> (TokenError, usize) {
    let setup = setup();
    script(setup.mock.on(TOKEN));
    let errors = join_all((0..100).map(|_| setup.token_error())).await;
    let first = errors[0].clone();
    assert!(
        errors.iter().all(|error| error.kind() == first.kind()),
        "one error for all"
    );
    let posts = setup.mock.token_posts();
    assert_eq!(setup.mock.api_calls(), 0, "nothing is sent without a token");
    (first, posts)
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_or_broken_endpoint_costs_three_posts() {
    for status in [500, 502, 503, 504] {
        let status = StatusCode::from_u16(status).expect("a status");
        let (error, posts) = failing(|script| script.reply_html(status)).await;
        assert_eq!(
            (error.kind(), posts),
            (TokenErrorKind::Unavailable, 3),
            "{status}"
        );
        assert!(error.is_transient());
    }
    let (error, posts) = failing(Script::reset).await;
    assert_eq!((error.kind(), posts), (TokenErrorKind::Transport, 3));
    let (error, posts) = failing(Script::truncated_body).await;
    assert_eq!((error.kind(), posts), (TokenErrorKind::Transport, 3));
    let (error, posts) = failing(|script| script.reply_token_json("")).await;
    assert_eq!((error.kind(), posts), (TokenErrorKind::Malformed, 3));
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_the_endpoint_is_not_asked_until_the_cooldown_ends() {
    let setup = setup();
    setup.mock.rotate_secret("another");
    assert_eq!(setup.token_error().await.kind(), TokenErrorKind::Denied);
    let posts = setup.mock.token_posts();
    for _ in 0..1000 {
        assert_eq!(setup.token_error().await.kind(), TokenErrorKind::Denied);
    }
    assert_eq!(setup.mock.token_posts(), posts);
    setup.mock.rotate_secret(MockGenesys::new().client_secret());
    after(SECONDS * 300).await;
    assert_eq!(
        setup.status(USERS).await.expect("the cooldown is over"),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_or_grant_costs_one_post() {
    use TokenErrorKind as Kind;
    for (code, kind) in [
        ("invalid_client", Kind::Denied),
        ("unauthorized_client", Kind::Denied),
        ("invalid_grant", Kind::LoginRequired),
    ] {
        let body = format!(r#"{{"error":"{code}","description":"MARK"}}"#);
        let headers = http::HeaderMap::new();
        let (error, posts) =
            failing(|script| script.reply(StatusCode::BAD_REQUEST, headers, body)).await;
        assert_eq!((error.kind(), posts), (kind, 1), "{code}");
        assert_eq!(error.oauth_code(), Some(code));
        assert_eq!(error.login_host(), Some("login.mypurecloud.com"));
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("login.mypurecloud.com"), "{shown}");
        assert!(
            !shown.contains("client-secret") && !shown.contains("MARK"),
            "{shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_disabled_client_is_denied_with_a_correlation_id() {
    let setup = setup();
    setup.mock.disable_client();
    let error = setup.token_error().await;
    assert_eq!(error.kind(), TokenErrorKind::Denied);
    assert!(error.correlation_id().is_some(), "{error}");
    assert_eq!(setup.mock.token_posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn malformed_token_responses_are_typed_errors_that_quote_nothing_of_them() {
    for (body, expected) in [
        ("<html>MARK</html>", 3),
        (r#"{"access_token":"MARK"#, 3),
        (r#"{"error":"MARK","access_token":"MARK"}"#, 3),
        (r#"{"token_type":"bearer","x":"MARK"}"#, 3),
        (r#"{"access_token":"","x":"MARK"}"#, 3),
        // A token that no header can carry is final.
        ("{\"access_token\":\"MARK\\nx-evil: 1\"}", 1),
        (r#"{"access_token":"MARK","token_type":"mac"}"#, 3),
    ] {
        let (error, posts) = failing(|script| script.reply_token_json(body)).await;
        assert_eq!(error.kind(), TokenErrorKind::Malformed, "{body}");
        assert_eq!(posts, expected, "{body}");
        assert!(!format!("{error} {error:?}").contains("MARK"), "{error:?}");
    }
    let (error, _) = failing(Script::endless_body).await;
    assert_eq!(error.kind(), TokenErrorKind::Malformed);
}

async fn throttled(script: impl FnOnce(&Setup)) {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    script(&setup);
    after(SECONDS * (86_400 - 500)).await;
    let until = Instant::now() + SECONDS * 42;
    while Instant::now() < until {
        assert_eq!(setup.status(USERS).await.expect("the token is valid"), 200);
        after(SECONDS).await;
    }
    assert_eq!(
        setup.mock.token_posts(),
        2,
        "the first one, and the throttled one"
    );
    while setup.mock.token_posts() < 3 {
        assert_eq!(setup.status(USERS).await.expect("the token is valid"), 200);
        after(SECONDS).await;
    }
    setup.mock.clear_script();
    for _ in 0..1000 {
        assert_eq!(setup.status(USERS).await.expect("the token is valid"), 200);
        after(SECONDS).await;
    }
    assert_eq!(setup.mock.token_posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_endpoint_is_not_asked_before_retry_after_is_over() {
    throttled(|setup| {
        setup.mock.on(TOKEN).nth(2).reply_429(SECONDS * 42);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_throttled_400_is_waited_out_too() {
    fastrand::seed(1);
    let setup = setup();
    setup.mock.on(TOKEN).first(1).throttle_400();
    let error = setup.token_error().await;
    assert_eq!(error.kind(), TokenErrorKind::Throttled);
    assert!(error.is_transient());
    let wait = error.retry_at().expect("a time") - Instant::now();
    // Between two seconds and a minute, by the jitter.
    assert_eq!(wait.as_millis(), 2812);
    assert_eq!(
        setup.mock.token_posts(),
        1,
        "it is not asked during the cooldown"
    );
    after(wait).await;
    assert_eq!(setup.status(USERS).await.expect("it is over"), 200);
    assert_eq!(setup.mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unusable_lifetime_makes_no_loop_of_renewals() {
    for expires_in in [
        "0",
        "-1",
        "",
        "\"soon\"",
        "0.5",
        "1e300",
        "99999999999999999999",
    ] {
        let setup = setup();
        setup.mock.on(TOKEN).expires_in(expires_in);
        let started = Instant::now();
        while started.elapsed() < SECONDS * 30 {
            assert_eq!(
                setup.once(USERS).await.expect("there is a token"),
                200,
                "{expires_in}"
            );
            after(Duration::from_millis(50)).await;
        }
        assert_eq!(setup.mock.token_posts(), 1, "{expires_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_fails_all_callers_within_fifteen_seconds() {
    let setup = setup();
    setup.mock.on(TOKEN).never_answers();
    let started = Instant::now();
    let errors = join_all((0..100).map(|_| setup.token_error())).await;
    // A renewal ends a 32nd before its deadline, after which callers take it
    // for lost.
    assert_eq!(started.elapsed().as_millis(), 14_532);
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == TokenErrorKind::TimedOut)
    );
    assert_eq!(errors[0].login_host(), Some("login.mypurecloud.com"));
}

#[derive(Clone)]
struct Panics;

impl CredentialsProvider for Panics {
    async fn credentials(&self) -> Result<Credentials, BoxError> {
        panic!("scripted")
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_provider_that_panics_is_a_typed_error_for_all() {
    let mock = MockGenesys::new();
    let org = Org::builder(mock.region())
        .credentials(Panics)
        .build::<Body>(mock.service())
        .expect("the region is https");
    let errors = join_all((0..100).map(|_| org.tokens().token())).await;
    for error in errors {
        assert_eq!(
            error.expect_err("it panics").kind(),
            TokenErrorKind::Panicked
        );
    }
    assert_eq!(mock.token_posts(), 0);
}
