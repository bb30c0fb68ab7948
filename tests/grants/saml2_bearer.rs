//! SAML2 bearer: each fetch needs an assertion.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tower_genesys::{
    BoxError,
    genesys::grants::{AssertionProvider, Saml2Bearer},
    testing::{MockGenesys, TOKEN},
    token::{TokenErrorKind, TokenSource},
};

use crate::setup::{Body, credentials, failure, fetch, forms, kind, sent};

fn source(mock: &MockGenesys, assertions: impl AssertionProvider) -> impl TokenSource {
    let (region, credentials, client) = (mock.region(), credentials(mock), mock.service());
    Saml2Bearer::<_, _, _, Body>::new(region, credentials, "acme", assertions, client)
        .with_parameter("audience", "x")
}

#[tokio::test(start_paused = true)]
async fn asks_for_an_assertion_at_each_fetch() {
    let mock = MockGenesys::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let source = source(&mock, move || {
        let n = counted.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, BoxError>(format!("assertion/{n}+")) }
    });
    assert!(source.is_repeatable(), "each request has its own assertion");
    mock.on(TOKEN).once().reset();
    assert_eq!(kind(&source).await, TokenErrorKind::Transport);
    fetch(&source).await.unwrap();
    assert_eq!(sent(&mock, "assertion"), ["assertion/0+", "assertion/1+"]);
    let form = &forms(&mock)[1];
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:saml2-bearer"
    );
    assert_eq!(
        (&*form["orgName"], &*form["audience"], form.len()),
        ("acme", "x", 4)
    );
    assert!(mock.requests_at(TOKEN)[1].basic().is_some());
}

#[tokio::test(start_paused = true)]
async fn without_an_assertion_nothing_is_sent() {
    let mock = MockGenesys::new();
    let source = source(&mock, async || {
        Err::<String, BoxError>("the provider is down".into())
    });
    let error = failure(&source).await;
    assert_eq!(error.kind(), TokenErrorKind::Credentials);
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "the provider is down"
    );
    assert_eq!(mock.token_posts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_assertion_requires_a_new_login() {
    let mock = MockGenesys::new();
    let source = source(&mock, async || Ok::<_, BoxError>("<xml>"));
    assert_eq!(kind(&source).await, TokenErrorKind::LoginRequired);
    assert_eq!(mock.token_posts(), 1);
}
