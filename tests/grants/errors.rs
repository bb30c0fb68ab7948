//! Scenarios 11 and 12: errors are typed, shared, and tell nothing of secret or body.

use futures_util::future::join_all;
use http::{HeaderMap, StatusCode};
use tower_genesys::{
    ClientCredentials, TokenCache, TokenErrorKind,
    testing::{Grant, MockGenesys, TOKEN},
};

use crate::setup::{Body, credentials, refreshing};

#[tokio::test(start_paused = true)]
async fn a_refusal_is_one_post_for_all_callers() {
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
async fn a_grant_that_the_client_may_not_use_says_where_to_allow_it() {
    let mock = MockGenesys::new();
    mock.allow_grants([Grant::AuthorizationCode]);
    let source: ClientCredentials<_, _, Body> =
        ClientCredentials::new(mock.region(), credentials(&mock), mock.service());
    let error = TokenCache::new(source).token().await.unwrap_err();
    assert_eq!(error.oauth_code(), Some("unauthorized_client"));
    assert!(error.to_string().contains("grant type"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_answer_is_given_up() {
    let mock = MockGenesys::new();
    mock.on(TOKEN).once().endless_body();
    let source: ClientCredentials<_, _, Body> =
        ClientCredentials::new(mock.region(), credentials(&mock), mock.service());
    let error = TokenCache::new(source).token().await;
    assert!(error.is_ok(), "the next attempt of the same renewal");
    assert_eq!(mock.token_posts(), 2);
}
