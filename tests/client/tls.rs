use std::sync::Arc;

use http::{Request, StatusCode, Version};
use http_body_util::Full;
use rustls::crypto::CryptoProvider;
use tower::ServiceExt;
use tower_genesys::{
    GenesysLayer, Org, TokenError,
    client::{ClientBuilder, ClientError, ClientErrorKind},
    genesys::{ConfigError, ConfigErrorKind},
    retry::{BoxErrorClassifier, Class},
};

use crate::{
    setup::{Body, HttpClient, get, refused, setup, setup_with, tls_config},
    tls_server::{Authority, BOTH, TlsServer},
};

#[tokio::test]
async fn speaks_http2_if_the_server_offers_it() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    let response = setup.users(&client).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!((setup.mock.token_posts(), setup.mock.api_calls()), (1, 1));
    // Login host and API host are the same here, so one connection serves both.
    assert_eq!(setup.server.protocols(), ["h2"]);
    assert_eq!(setup.server.accepted(), 1);
}

#[tokio::test]
async fn speaks_http1_if_the_server_or_the_user_asks_for_it() {
    for (protocols, http1_only, negotiated) in [
        (&["http/1.1"][..], false, "http/1.1"),
        (&[], false, ""),
        (BOTH, true, "http/1.1"),
    ] {
        let setup = setup_with(protocols).await;
        let builder = setup.builder();
        let builder = if http1_only {
            builder.http1_only()
        } else {
            builder
        };
        let client: HttpClient = builder.build().unwrap();
        let response = setup.users(&client).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.version(), Version::HTTP_11);
        assert_eq!(setup.server.protocols(), [negotiated]);
    }
}

#[tokio::test]
async fn client_and_stack_can_be_shared_by_threads() {
    fn shared<T: Clone + Send + Sync + 'static>(it: T) -> T {
        it
    }
    // The body type is inferred.
    let _: fn(HttpClient) -> Result<Org, ConfigError> = Org::from_env;

    let setup = setup().await;
    let client: HttpClient = shared(setup.builder().build().unwrap());
    let org = setup.org(client.clone());
    let genesys = shared(GenesysLayer::new(&org).boxed(client));
    let request = Request::get(org.api("/api/v2/users").unwrap()).body(Full::default());
    let response = tokio::spawn(genesys.oneshot(request.unwrap()));
    assert_eq!(response.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn needs_no_crypto_provider_of_the_process() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    assert_eq!(get(&client, setup.uri()).await.unwrap().status(), 401);
    assert!(
        CryptoProvider::get_default().is_none(),
        "no test installs one"
    );
}

#[tokio::test]
async fn takes_a_custom_provider_or_a_custom_config() {
    let setup = setup().await;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client: HttpClient = setup.builder().crypto_provider(provider).build().unwrap();
    assert_eq!(setup.users(&client).await.unwrap().status(), StatusCode::OK);

    let config = tls_config(&setup.authority);
    let builder = ClientBuilder::new().without_proxy().tls_config(config);
    let client: HttpClient = builder.build().unwrap();
    assert_eq!(setup.users(&client).await.unwrap().status(), StatusCode::OK);
    assert_eq!(setup.server.protocols(), ["h2", "h2"]);

    let error = config_error(builder.ca_pem(setup.authority.pem()));
    assert_eq!(error.kind(), ConfigErrorKind::Tls);
    assert!(error.to_string().contains("tls_config"), "{error}");
}

#[tokio::test]
async fn a_provider_without_cipher_suites_is_an_error() {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.clear();
    let error = config_error(
        ClientBuilder::new()
            .without_proxy()
            .crypto_provider(provider),
    );
    assert_eq!(error.kind(), ConfigErrorKind::Tls);
    assert!(error.to_string().contains("crypto_provider"), "{error}");
}

#[tokio::test]
async fn an_unknown_ca_is_an_error_that_says_so() {
    let setup = setup().await;
    let client: HttpClient = ClientBuilder::new().without_proxy().build().unwrap();
    let text = refused(&client, setup.uri(), ClientErrorKind::Certificate).await;
    let host = format!("localhost:{}", setup.port());
    assert!(text.contains(&host), "{text}");
    assert!(text.contains("a CA that is not known"), "{text}");
    assert!(text.contains("ClientBuilder::ca_file"), "{text}");
    assert_eq!(setup.mock.requests().len(), 0);
}

#[tokio::test]
async fn the_error_of_the_whole_stack_contains_the_reason() {
    let setup = setup().await;
    let client: HttpClient = ClientBuilder::new().without_proxy().build().unwrap();
    let error = setup.users(&client).await.unwrap_err();
    assert!(TokenError::find(&*error).is_some(), "{error}");
    let error = ClientError::find(&*error).expect("it is a cause");
    assert_eq!(error.kind(), ClientErrorKind::Certificate);
}

#[tokio::test]
async fn a_ca_from_a_file_is_trusted() {
    let setup = setup().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    // Such files also contain other CAs and comments.
    let other = Authority::new();
    let pem = format!(
        "# ours\n{}\n# theirs\n{}",
        other.pem(),
        setup.authority.pem()
    );
    std::fs::write(file.path(), pem).unwrap();
    let client: HttpClient = ClientBuilder::new()
        .without_proxy()
        .ca_file(file.path())
        .build()
        .unwrap();
    assert_eq!(setup.users(&client).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_ca_that_cannot_be_used_is_an_error_that_names_the_setting() {
    let builder = || ClientBuilder::new().without_proxy();
    let error = config_error(builder().ca_file("/nowhere/ca.pem"));
    assert_eq!(error.kind(), ConfigErrorKind::CaFile);
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    assert!(error.to_string().contains("ca_file"), "{error}");

    let secret = "c2VjcmV0IGtleQ==";
    let begin = "-----BEGIN CERTIFICATE-----";
    let end = "-----END CERTIFICATE-----";
    for pem in [
        String::new(),
        "no PEM".to_owned(),
        format!("{begin}\n{secret}\n{end}\n"),
        format!("{begin}\n{secret}!\n{end}\n"),
        format!("{begin}\n{secret}\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &pem).unwrap();
        for (builder, setting) in [
            (
                builder().ca_pem(pem.clone()),
                "ClientBuilder::ca_pem".to_owned(),
            ),
            (
                builder().ca_file(file.path()),
                file.path().display().to_string(),
            ),
        ] {
            let error = config_error(builder);
            assert_eq!(error.kind(), ConfigErrorKind::Ca, "{pem}");
            assert!(error.to_string().contains(&setting), "{error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn another_host_name_and_an_expired_certificate_are_errors_that_say_so() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    for (config, says) in [
        (
            setup.authority.server("other.example", BOTH),
            "for another host name",
        ),
        (
            setup.authority.server_until("localhost", BOTH, 2001),
            "this machine's clock",
        ),
    ] {
        let server = TlsServer::start(config, setup.server.address()).await;
        let uri = server.url().parse().unwrap();
        let text = refused(&client, uri, ClientErrorKind::Certificate).await;
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_that_says_so() {
    let setup = setup().await;
    let plain = setup.mock.serve().await.unwrap();
    let client: HttpClient = setup.builder().build().unwrap();
    let uri = format!("https://localhost:{}/", plain.address().port());
    let text = refused(&client, uri.parse().unwrap(), ClientErrorKind::Tls).await;
    assert!(text.contains("no TLS with localhost"), "{text}");
}

#[tokio::test]
async fn plain_http_is_a_final_error_except_to_loopback_if_allowed() {
    let setup = setup().await;
    let plain = setup.mock.serve().await.unwrap();
    let strict: HttpClient = setup.builder().build().unwrap();
    let lenient: HttpClient = setup.builder().allow_loopback().build().unwrap();
    for (client, uri) in [
        (&strict, plain.url()),
        (&lenient, "http://127.0.0.1.example/"),
        (&lenient, "http://localhost.example/"),
        (&lenient, "http://10.0.0.1/"),
        (&lenient, "http://[::2]/"),
        (&lenient, "http://127.0.0.1:+80/"),
        (&lenient, "ftp://localhost/"),
        (&lenient, "/api/v2/users"),
    ] {
        let error = get(client, uri.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ClientErrorKind::NotHttps, "{uri}: {error}");
        assert!(error.to_string().contains("https"), "{error}");
        let class = BoxErrorClassifier::new().class_of(&error);
        assert_eq!(class, Class::Final, "{uri}");
    }
    assert_eq!(setup.mock.requests().len(), 0);
    let url = format!("http://localhost:{}/", plain.address().port());
    for uri in [plain.url(), &url] {
        let response = get(&lenient, uri.parse().unwrap()).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_11);
    }
    assert_eq!(setup.mock.requests().len(), 2);
    // These are loopback addresses, too; nothing listens there.
    for uri in ["http://[0:0:0:0:0:0:0:1]:1/", "http://LOCALHOST:1/"] {
        let error = get(&lenient, uri.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ClientErrorKind::Connect, "{uri}: {error}");
    }
}

fn config_error(builder: ClientBuilder) -> ConfigError {
    builder.build::<Body>().expect_err("it cannot be used")
}
