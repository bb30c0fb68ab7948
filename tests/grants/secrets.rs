//! Scenario 32: no output shows a secret.

use std::error::Error;

use http::{HeaderMap, StatusCode};
use tower_genesys::{
    BoxError, Credentials, Org, TokenCache,
    genesys::grants::{
        AuthorizationCode, AuthorizeUrl, ClientCredentials, IssuedRefreshToken, LoginCode,
        LoginState, PkceVerifier, RefreshToken, Saml2Bearer,
    },
    testing::{MockGenesys, TOKEN},
    token::TokenSource,
};

use crate::{
    output::Output,
    setup::{Body, CALLBACK, fetch},
};

const SECRETS: [&str; 8] = [
    "SECRET-client",
    "SECRET-refresh",
    "SECRET-code",
    "SECRET-assertion",
    "SECRET-parameter",
    "SECRET-next",
    "SECRET-access",
    "SECRET-verifier",
];

#[track_caller]
fn assert_hidden(text: &str) {
    assert!(!text.contains("SECRET"), "{text}");
}

fn verifier() -> PkceVerifier {
    PkceVerifier::new(format!("SECRET-verifier-{}", "x".repeat(43))).unwrap()
}

async fn assert_silent(mock: &MockGenesys, source: impl TokenSource + std::fmt::Debug) {
    assert_hidden(&format!("{source:?} {source:#?}"));
    let body = |body: &str| format!(r#"{{"error":"{body}","description":"SECRET-description"}}"#);
    let answer = r#"{"access_token":"SECRET-access","refresh_token":"SECRET-next","expires_in":9}"#;
    mock.on(TOKEN).once().reply_token_json(answer);
    let token = fetch(&source).await.unwrap();
    assert_hidden(&format!("{token:?} {source:?}"));
    mock.on(TOKEN).once().reply(
        StatusCode::BAD_REQUEST,
        HeaderMap::new(),
        body("invalid_request"),
    );
    for _ in 0..3 {
        let Err(error) = fetch(&source).await else {
            continue;
        };
        assert_hidden(&format!("{error} {error:?} {error:#?}"));
        assert_hidden(&format!("{:?}", error.source()));
        mock.on(TOKEN)
            .once()
            .reply_token_json(r#"{"access_token":"SECRET-access","#);
    }
    let org = Org::builder(mock.region())
        .build_from_source(source)
        .unwrap();
    for _ in 0..3 {
        let result = org.tokens().token().await;
        assert_hidden(&format!("{org:?} {result:?} {:?}", org.tokens().status()));
        tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_source_shows_its_secrets() {
    let mock = MockGenesys::builder()
        .client("client-id", "SECRET-client")
        .build();
    let output = Output::listen();
    let credentials = || Credentials::new(mock.client_id(), mock.client_secret()).unwrap();
    let (region, client) = (|| mock.region(), || mock.service());
    let code = || LoginCode::new("SECRET-code", CALLBACK).with_verifier(verifier());
    let added = ("audience", "SECRET-parameter");

    let plain = ClientCredentials::<_, _, Body>::new(region(), credentials(), client());
    assert_silent(&mock, plain.with_parameter(added.0, added.1)).await;
    let refresh =
        RefreshToken::<_, _, Body>::new(region(), credentials(), "SECRET-refresh", client());
    let handle = refresh.handle();
    assert_silent(&mock, refresh.with_parameter(added.0, added.1)).await;
    handle.replace("SECRET-refresh");
    assert_hidden(&format!("{handle:?}"));
    let login = AuthorizationCode::<_, _, Body>::new(region(), credentials(), code(), client());
    assert_silent(&mock, login.with_parameter(added.0, added.1)).await;
    let public = AuthorizationCode::<_, _, Body>::public(region(), "client-id", code(), client());
    assert_silent(&mock, public.with_parameter(added.0, added.1)).await;
    let assertion = async || Ok::<_, BoxError>("SECRET-assertion");
    let saml =
        Saml2Bearer::<_, _, _, Body>::new(region(), credentials(), "acme", assertion, client());
    assert_silent(&mock, saml.with_parameter(added.0, added.1)).await;

    let logged = output.text();
    for heard in [
        "reason=\"missing\"",
        "the token was not renewed",
        "renewed the token",
    ] {
        assert!(logged.contains(heard), "{heard}: {logged}");
    }
    assert_hidden(&logged);
    // The search is meaningful, since all secrets were sent or came back.
    let sent: String = mock
        .requests_at(TOKEN)
        .iter()
        .map(|request| format!("{:?} {:?}", request.basic(), request.body()))
        .collect();
    for secret in &SECRETS {
        let answered = ["SECRET-next", "SECRET-access"].contains(secret);
        assert!(answered || sent.contains(secret), "{secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_login_are_hidden() {
    let verifier = verifier();
    let state = LoginState::new("SECRET-state");
    let code = LoginCode::new("SECRET-code", CALLBACK).with_verifier(verifier.clone());
    assert_hidden(&format!("{verifier:?} {state:?} {code:?} {code:#?}"));
    let url = AuthorizeUrl::new(&MockGenesys::new().region(), "id", CALLBACK)
        .with_state(&state)
        .with_pkce(&verifier);
    assert_hidden(&format!("{url:?}"));
    assert!(!url.to_string().contains(verifier.expose()));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_for_the_store_is_shown_by_expose_only() {
    let mock = MockGenesys::new();
    let refresh = mock.issue_refresh_token();
    let credentials = Credentials::new(mock.client_id(), mock.client_secret()).unwrap();
    let source =
        RefreshToken::<_, _, Body>::new(mock.region(), credentials, refresh, mock.service())
            .with_store(|token: IssuedRefreshToken| async move {
                assert!(!format!("{token:?}").contains(token.expose()));
                Err::<(), _>("down".into()) as Result<(), BoxError>
            });
    let cache = TokenCache::new(source);
    let error = cache.token().await.unwrap_err();
    assert_eq!(
        error.kind(),
        tower_genesys::token::TokenErrorKind::NotPersisted
    );
}
