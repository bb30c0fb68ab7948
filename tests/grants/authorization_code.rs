//! `authorization_code` with and without PKCE, and the renewals after it.

use tower_genesys::{
    genesys::grants::{AuthorizationCode, LoginCode, PkceVerifier},
    testing::{MockGenesys, TOKEN},
    token::{TokenErrorKind, TokenSource},
};

use crate::setup::{Body, CALLBACK, Store, credentials, failure, fetch, forms, kind, sent};

#[tokio::test(start_paused = true)]
async fn renews_with_the_refresh_token_if_one_came() {
    let mock = MockGenesys::new();
    let store = Store::default();
    let code = mock.issue_code(CALLBACK);
    let source = AuthorizationCode::<_, _, Body>::new(
        mock.region(),
        credentials(&mock),
        LoginCode::new(code.clone(), CALLBACK),
        mock.service(),
    )
    .with_store(store.clone());
    assert!(!source.is_repeatable());
    for _ in 0..3 {
        fetch(&source).await.unwrap();
    }
    let forms = forms(&mock);
    assert_eq!(forms[0]["code"], code);
    assert_eq!(forms[0]["redirect_uri"], CALLBACK);
    assert_eq!(forms[0].len(), 3, "no client id, no verifier");
    assert_eq!(forms[1]["refresh_token"], store.tokens()[0]);
    assert_eq!(forms[2]["refresh_token"], store.tokens()[1]);
    assert_eq!((store.tokens().len(), mock.token_posts()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn without_a_refresh_token_a_new_login_is_required() {
    let mock = MockGenesys::builder().refresh_tokens(false).build();
    let code = || LoginCode::new(mock.issue_code(CALLBACK), CALLBACK);
    let region = mock.region();
    let source =
        AuthorizationCode::<_, _, Body>::new(region, credentials(&mock), code(), mock.service());
    fetch(&source).await.unwrap();
    let error = failure(&source).await;
    assert_eq!(error.kind(), TokenErrorKind::LoginRequired);
    assert!(error.to_string().contains("no refresh token"), "{error}");
    assert_eq!(mock.token_posts(), 1);

    source.handle().replace_code(code());
    fetch(&source).await.unwrap();
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn pkce_without_a_secret_sends_id_and_verifier() {
    let mock = MockGenesys::new();
    let verifier = PkceVerifier::generate().unwrap();
    let code = mock.issue_code_with_challenge(CALLBACK, &verifier.challenge());
    let code = LoginCode::new(code, CALLBACK).with_verifier(verifier.clone());
    let source = AuthorizationCode::<_, _, Body>::public(
        mock.region(),
        mock.client_id(),
        code,
        mock.service(),
    );
    fetch(&source).await.unwrap();
    let form = &forms(&mock)[0];
    assert_eq!(form["client_id"], mock.client_id());
    assert_eq!(form["code_verifier"], verifier.expose());
    assert_eq!(mock.requests_at(TOKEN)[0].basic(), None);
    assert_eq!(kind(&source).await, TokenErrorKind::LoginRequired);
    assert_eq!(mock.token_posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_secret_ignores_a_refresh_token() {
    let mock = MockGenesys::new();
    let answer = r#"{"access_token":"a","refresh_token":"r","expires_in":60}"#;
    mock.on(TOKEN).once().reply_token_json(answer);
    let store = Store::default();
    let code = LoginCode::new("c", CALLBACK);
    let source = AuthorizationCode::<_, _, Body>::public(mock.region(), "id", code, mock.service())
        .with_store(store.clone());
    fetch(&source).await.unwrap();
    assert_eq!(kind(&source).await, TokenErrorKind::LoginRequired);
    assert_eq!((mock.token_posts(), store.calls()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn pkce_with_a_secret_sends_both() {
    let mock = MockGenesys::new();
    let (right, wrong) = (
        PkceVerifier::generate().unwrap(),
        PkceVerifier::generate().unwrap(),
    );
    for (verifier, good) in [(&right, true), (&wrong, false)] {
        let code = mock.issue_code_with_challenge(CALLBACK, &right.challenge());
        let source = AuthorizationCode::<_, _, Body>::new(
            mock.region(),
            credentials(&mock),
            LoginCode::new(code, CALLBACK).with_verifier(verifier.clone()),
            mock.service(),
        );
        let result = fetch(&source).await.map_err(|error| error.kind());
        assert_eq!(result.is_ok(), good);
        assert!(good || result.unwrap_err() == TokenErrorKind::LoginRequired);
    }
    assert!(sent(&mock, "client_id").is_empty());
    assert!(
        mock.requests_at(TOKEN)
            .iter()
            .all(|request| request.basic().is_some())
    );
}

#[tokio::test(start_paused = true)]
async fn a_code_for_another_redirect_uri_is_refused_and_sent_once() {
    let mock = MockGenesys::new();
    let code = LoginCode::new(mock.issue_code("https://other.example/cb"), CALLBACK);
    let region = mock.region();
    let source =
        AuthorizationCode::<_, _, Body>::new(region, credentials(&mock), code, mock.service());
    for _ in 0..3 {
        assert_eq!(kind(&source).await, TokenErrorKind::LoginRequired);
    }
    assert_eq!(mock.token_posts(), 1);
}
