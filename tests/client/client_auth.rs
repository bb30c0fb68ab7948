//! Mutual TLS: a client that shows a certificate.

use std::fs;

use tower_genesys::{
    client::{ClientBuilder, ClientErrorKind},
    genesys::ConfigErrorKind,
};

use crate::{
    setup::{Body, HttpClient, Setup, get, setup},
    tls_server::{Authority, TlsServer},
};

/// A server that requires a client certificate by the CA.
async fn mutual() -> Setup {
    let mut setup = setup().await;
    let upstream = setup.plain_address();
    let config = setup.authority.server_for_clients("localhost");
    setup.server = TlsServer::start(config, upstream).await;
    setup
}

#[tokio::test]
async fn the_client_shows_its_certificate_to_the_server() {
    let setup = mutual().await;
    let (certificate, key) = setup.authority.client();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let both = path("both.pem", &format!("{key}{certificate}"));
    for builder in [
        setup.builder().client_auth_pem(&*certificate, &*key),
        setup
            .builder()
            .client_auth_file(path("client.pem", &certificate), path("client.key", &key)),
        setup.builder().client_auth_file(both.clone(), both),
    ] {
        let client: HttpClient = builder.build().unwrap();
        let response = setup.users(&client).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!(setup.server.protocols(), ["h2", "h2", "h2"]);

    // A missing certificate and one by another CA get no response.
    let (certificate, key) = Authority::new().client();
    for builder in [
        setup.builder(),
        setup.builder().client_auth_pem(certificate, key),
    ] {
        let client: HttpClient = builder.build().unwrap();
        let error = get(&client, setup.uri()).await.unwrap_err();
        assert_ne!(error.kind(), ClientErrorKind::Certificate, "{error}");
    }
    assert_eq!(setup.mock.api_calls(), 3);
}

#[test]
fn a_certificate_without_its_key_is_refused_at_build_and_never_shown() {
    let (certificate, key) = Authority::new().client();
    let (_, other) = Authority::new().client();
    let marked = "-----BEGIN PRIVATE KEY-----\nMARKMARK\n-----END PRIVATE KEY-----\n";
    let new = || ClientBuilder::new().without_proxy();
    for (builder, said) in [
        (new().client_auth_pem("MARK", &*key), "certificate as PEM"),
        (
            new().client_auth_pem(&*certificate, "MARK"),
            "private key as PEM",
        ),
        (
            new().client_auth_pem(&*certificate, marked),
            "do not belong",
        ),
        (
            new().client_auth_pem(&*certificate, &*other),
            "do not belong",
        ),
        (new().client_auth_pem(&*key, &*key), "certificate as PEM"),
        (
            new().client_auth_file("/no/such.pem", "/no/such.key"),
            "/no/such.pem",
        ),
    ] {
        let error = builder.build::<Body>().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::ClientAuth, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        for text in [format!("{error} {error:?}"), format!("{builder:?}")] {
            assert!(
                !text.contains("MARK") && !text.contains(&key[40..60]),
                "{text}"
            );
        }
    }
    let config = crate::setup::tls_config(&Authority::new());
    let builder = new().tls_config(config).client_auth_pem(certificate, key);
    let error = builder.build::<Body>().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Tls);
    assert!(error.to_string().contains("client_auth_pem"), "{error}");
}
