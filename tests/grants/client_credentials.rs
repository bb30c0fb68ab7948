//! `client_credentials`: the form, and the errors of a refused client.

use tower_genesys::{
    Credentials,
    genesys::grants::ClientCredentials,
    testing::{MockGenesys, MockService, TOKEN},
    token::{TokenErrorKind, TokenSource},
};

use crate::setup::{Body, credentials, failure, fetch, forms, kind};

fn source(mock: &MockGenesys) -> ClientCredentials<MockService, Credentials, Body> {
    ClientCredentials::new(mock.region(), credentials(mock), mock.service())
}

#[tokio::test(start_paused = true)]
async fn sends_its_grant_type_and_each_added_parameter_once() {
    let mock = MockGenesys::new();
    let source = source(&mock)
        .with_parameter("audience", "another")
        .with_parameter("audience", "gate&way")
        .with_parameter("grant_type", "password");
    assert_eq!(fetch(&source).await.unwrap().lifetime().as_secs(), 86_399);
    let form = &forms(&mock)[0];
    let form: Vec<_> = form
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected = [
        ("audience", "gate&way"),
        ("grant_type", "client_credentials"),
    ];
    assert_eq!(form, expected);
    let basic = mock.requests_at(TOKEN)[0].basic();
    assert_eq!(basic, Some((mock.client_id(), mock.client_secret())));
}

#[tokio::test(start_paused = true)]
async fn is_repeatable_and_requests_a_token_at_each_fetch() {
    let mock = MockGenesys::new();
    let source = source(&mock);
    assert!(source.is_repeatable());
    mock.on(TOKEN).once().reset();
    assert_eq!(kind(&source).await, TokenErrorKind::Transport);
    fetch(&source).await.unwrap();
    fetch(&source).await.unwrap();
    assert_eq!((mock.token_posts(), mock.live_tokens()), (3, 2));
}

/// `docker run --env-file` keeps quotation marks that a shell would remove.
#[tokio::test(start_paused = true)]
async fn the_error_of_a_refused_client_mentions_quotation_marks() {
    let mock = MockGenesys::new();
    for (id, secret, hint) in [
        ("\"client-id\"".to_owned(), mock.client_secret(), true),
        (
            mock.client_id(),
            format!("'{}'", mock.client_secret()),
            true,
        ),
        (mock.client_id(), "wr0ng".to_owned(), false),
    ] {
        let credentials = Credentials::new(id, secret).unwrap();
        let source =
            ClientCredentials::<_, _, Body>::new(mock.region(), credentials, mock.service());
        let error = failure(&source).await;
        assert_eq!(error.oauth_code(), Some("invalid_client"));
        assert_eq!(
            error.to_string().contains("quotation marks"),
            hint,
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains(&mock.client_secret()));
    }
}
