use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    Credentials, GenesysLayer, Region, TokenCache, TokenError,
    client::{ClientBuilder, ClientError, ClientErrorKind},
    genesys::ConfigErrorKind,
    genesys::grants::RefreshToken,
    token::TokenErrorKind,
};

use crate::{
    fake_proxy::FakeProxy,
    setup::{Body, HttpClient, Setup, get, refused, setup, setup_with, tls_config},
    tinyproxy::{PASSWORD, Tinyproxy, USER},
    tls_server::{BOTH, TlsServer},
};

fn client(setup: &Setup, proxy: impl Into<String>) -> HttpClient {
    let builder = ClientBuilder::new()
        .ca_pem(setup.authority.pem())
        .proxy(proxy);
    builder.build().unwrap()
}

#[tokio::test]
async fn goes_through_a_proxy_with_user_and_password() {
    for protocols in [BOTH, &["http/1.1"]] {
        let setup = setup_with(protocols).await;
        let proxy = Tinyproxy::start(setup.port());
        let client = client(&setup, proxy.url(USER, PASSWORD));
        let response = setup.users(&client).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!((setup.mock.token_posts(), setup.mock.api_calls()), (1, 1));
        // One tunnel, and one connection through it.
        assert_eq!(setup.server.protocols(), [protocols[0]]);
        assert_eq!((proxy.asked(), setup.server.accepted()), (1, 1));
        // Only the proxy sees its password.
        for request in setup.mock.requests() {
            assert!(!request.headers().contains_key("proxy-authorization"));
        }
    }
}

#[tokio::test]
async fn user_and_password_in_the_url_are_percent_decoded() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let encoded = |text: &str| -> String { text.bytes().map(|it| format!("%{it:02x}")).collect() };
    let client = client(&setup, proxy.url(&encoded(USER), &encoded(PASSWORD)));
    let response = setup.users(&client).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(proxy.asked(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_says_so() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let client = client(&setup, proxy.url(USER, "wr0ng"));
    let text = refused(&client, setup.uri(), ClientErrorKind::ProxyAuthentication).await;
    assert!(text.contains(&proxy.address().to_string()), "{text}");
    assert!(
        text.contains("user and password in `ClientBuilder::proxy`"),
        "{text}"
    );
    assert_eq!((proxy.asked(), setup.server.accepted()), (1, 0));

    let error = setup.users(&client).await.unwrap_err();
    let error = ClientError::find(&*error).expect("it is a cause");
    assert_eq!(error.kind(), ClientErrorKind::ProxyAuthentication);
}

/// Proxies lock accounts after a few wrong passwords.
#[tokio::test]
async fn a_password_that_the_proxy_refuses_is_tried_once_per_request_and_once_per_token() {
    let setup = setup().await;
    let good: HttpClient = setup.builder().build().unwrap();
    let proxy = Tinyproxy::start(setup.port());
    let client = client(&setup, proxy.url(USER, "wr0ng"));

    // With a token, it is the request that meets the proxy.
    let org = setup.org(good);
    org.tokens().warm_up().await.unwrap();
    let genesys = GenesysLayer::new(&org).layer(client.clone());
    let request = Request::get(org.api("/api/v2/users").unwrap());
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let error = genesys.oneshot(request).await.unwrap_err();
    let error = ClientError::find(&*error).expect("it is a cause");
    assert_eq!(error.kind(), ClientErrorKind::ProxyAuthentication);
    assert_eq!(proxy.asked(), 1);

    // Without a token, it is the token request that meets it.
    let error = setup.users(&client).await.unwrap_err();
    let token = TokenError::find(&*error).expect("no token came");
    assert_eq!(token.kind(), TokenErrorKind::Denied, "{token}");
    assert!(token.to_string().contains("was not asked"), "{token}");
    let error = ClientError::find(&*error).expect("it is a cause");
    assert_eq!(error.kind(), ClientErrorKind::ProxyAuthentication);
    assert_eq!(proxy.asked(), 2);
}

#[tokio::test]
async fn a_login_is_not_lost_when_the_client_refuses_to_send_it() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let wrong = client(&setup, proxy.url(USER, "wr0ng"));
    let direct: HttpClient = setup.builder().build().unwrap();
    let (https, http) = (setup.server.url(), "http://127.0.0.1:1");
    for (url, client) in [(&*https, wrong), (http, direct)] {
        let region = Region::custom(url, url).unwrap();
        let credentials = Credentials::new(setup.mock.client_id(), setup.mock.client_secret());
        let source = RefreshToken::new(region, credentials.unwrap(), "refresh", client);
        let handle = source.handle();
        let cache = TokenCache::new(source);
        for _ in 0..2 {
            let error = cache.token().await.unwrap_err();
            assert_eq!(error.kind(), TokenErrorKind::Denied, "{error}");
            assert!(!handle.is_login_required(), "{error}");
        }
    }
    assert_eq!((proxy.asked(), setup.mock.token_posts()), (1, 0));
}

#[tokio::test]
async fn a_missing_password_is_an_error_that_says_where_to_set_it() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let client = client(&setup, format!("http://{}", proxy.address()));
    let text = refused(&client, setup.uri(), ClientErrorKind::ProxyAuthentication).await;
    assert!(text.contains("requires a user and a password"), "{text}");
    assert!(text.contains("http://USER:PASSWORD@HOST:PORT"), "{text}");
    assert_eq!(setup.server.accepted(), 0);
}

#[tokio::test]
async fn a_proxy_that_refuses_the_tunnel_is_an_error_with_its_status() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let client = client(&setup, proxy.url(USER, PASSWORD));
    // The proxy does not connect to this port.
    let uri = "https://localhost:1/".parse().unwrap();
    let text = refused(&client, uri, ClientErrorKind::Proxy).await;
    assert!(text.contains(&proxy.address().to_string()), "{text}");
    assert!(
        text.contains("403 when asked to connect to localhost:1"),
        "{text}"
    );

    // Nothing listens on the port that it may connect to.
    let uri = setup.uri();
    drop(setup);
    let text = refused(&client, uri, ClientErrorKind::Proxy).await;
    assert!(text.contains("answered 500"), "{text}");
}

#[tokio::test]
async fn an_exception_is_reached_without_the_proxy() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let builder = ClientBuilder::new()
        .ca_pem(setup.authority.pem())
        .proxy(proxy.url(USER, PASSWORD));
    for (exceptions, asked) in [("localhost", 0), ("10.0.0.0/8, .localhost", 0), ("host", 1)] {
        let client: HttpClient = builder.clone().proxy_except(exceptions).build().unwrap();
        let response = setup.users(&client).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(proxy.asked(), asked, "{exceptions}");
    }
}

#[tokio::test]
async fn a_proxy_can_itself_be_behind_tls() {
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    // ALPN offers both, and the client does not speak HTTP/2 with the proxy.
    let config = setup.authority.server("localhost", BOTH);
    let front = TlsServer::start(config, proxy.address()).await;
    let port = front.address().port();
    let url = format!("https://{USER}:{PASSWORD}@localhost:{port}");
    let response = setup.users(&client(&setup, url)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        (front.protocols(), setup.server.protocols()),
        (vec![String::new()], vec!["h2".to_owned()])
    );
    assert_eq!(
        (proxy.asked(), front.accepted(), setup.server.accepted()),
        (1, 1, 1)
    );

    // Protocols that the user chooses apply to hosts, and not to the proxy.
    let mut tls = tls_config(&setup.authority);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let url = format!("https://{USER}:{PASSWORD}@localhost:{port}");
    let builder = ClientBuilder::new().tls_config(tls).proxy(url);
    let response = setup.users(&builder.build().unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(front.protocols(), ["", ""]);
    assert_eq!(setup.server.protocols(), ["h2", "h2"]);

    let url = format!("https://{USER}:{PASSWORD}@localhost:{port}");
    let stranger: HttpClient = ClientBuilder::new().proxy(url).build().unwrap();
    let text = refused(&stranger, setup.uri(), ClientErrorKind::Certificate).await;
    assert!(
        text.contains(&format!("certificate of localhost:{port} ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_that_does_not_listen_is_an_error_that_names_it() {
    let setup = setup().await;
    let proxy = FakeProxy::start(b"").await;
    let address = proxy.address();
    drop(proxy);
    let client = client(&setup, format!("http://{USER}:{PASSWORD}@{address}"));
    let text = refused(&client, setup.uri(), ClientErrorKind::Proxy).await;
    assert!(
        text.contains(&format!("no connection to the proxy {address}")),
        "{text}"
    );
    assert_eq!(setup.server.accepted(), 0);
}

#[tokio::test]
async fn an_answer_that_opens_no_tunnel_is_an_error() {
    use ClientErrorKind as Kind;
    let endless: &[u8] = Box::leak(vec![b'a'; 100_000].into_boxed_slice());
    for (answer, kind, said) in [
        (&b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n"[..],
            Kind::ProxyAuthentication, "other than Basic"),
        (b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM, basic realm=\"a, b\"\r\nContent-Length: 9\r\n\r\n",
            Kind::ProxyAuthentication, "refused the user and password"),
        (b"HTTP/1.1 407 No\r\n\r\n", Kind::ProxyAuthentication, "refused the user"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\n<html>", Kind::Proxy, "answered 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", Kind::Proxy, "answered 302"),
        (b"SSH-2.0-OpenSSH\r\n", Kind::Proxy, "did not respond like a proxy"),
        (b"", Kind::Proxy, "did not respond like a proxy"),
        (b"HTTP/1.1 20", Kind::Proxy, "did not respond like a proxy"),
        (endless, Kind::Proxy, "did not respond like a proxy"),
        // A tunnel that closes at once.
        (b"HTTP/1.1 200 OK\r\n\r\n", Kind::Tls, "ended during the TLS handshake"),
    ] {
        let setup = setup().await;
        let mut proxy = FakeProxy::start(answer).await;
        let client = client(&setup, format!("http://{USER}:{PASSWORD}@{}", proxy.address()));
        let text = refused(&client, setup.uri(), kind).await;
        assert!(text.contains(said), "{text}");
        let head = proxy.head().await;
        let host = format!("localhost:{}", setup.port());
        assert!(head.starts_with(&format!("CONNECT {host} HTTP/1.1\r\n")), "{head}");
        assert!(head.to_lowercase().contains(&format!("host: {host}\r\n")), "{head}");
    }
}

#[tokio::test]
async fn http_to_loopback_bypasses_the_proxy() {
    let setup = setup().await;
    let plain = setup.mock.serve().await.unwrap();
    let client: HttpClient = ClientBuilder::new()
        .proxy("http://127.0.0.1:1")
        .allow_loopback()
        .build()
        .unwrap();
    let response = get(&client, plain.url().parse().unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_malformed_proxy_url_is_an_error_at_build() {
    for url in [
        "",
        "http://",
        "ftp://proxy",
        "socks5://proxy:1080",
        "http://u:s3cr3t/x@proxy:3128",
    ] {
        let error = ClientBuilder::new().proxy(url).build::<Body>().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Proxy);
        assert!(
            error.to_string().contains("ClientBuilder::proxy"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    }
}

#[tokio::test]
async fn https_in_the_url_of_a_plain_proxy_is_an_error_that_names_the_fix() {
    let setup = setup().await;
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let closes = silent.local_addr().unwrap();
    tokio::spawn(async move { while silent.accept().await.is_ok() {} });
    // One proxy answers in clear text, the other one hangs up.
    for address in [setup.plain_address(), closes] {
        let client = client(&setup, format!("https://{address}"));
        let text = refused(&client, setup.uri(), ClientErrorKind::Tls).await;
        assert!(
            text.contains(&format!("the proxy {address} does not speak TLS")),
            "{text}"
        );
        assert!(
            text.contains("`https://` in `ClientBuilder::proxy`"),
            "{text}"
        );
        assert!(text.contains("write `http://`"), "{text}");
    }
    // A proxy that is not reached is another error.
    let client = client(&setup, "https://127.0.0.1:1");
    let text = refused(&client, setup.uri(), ClientErrorKind::Proxy).await;
    assert!(text.contains("no connection to the proxy"), "{text}");
}

#[test]
fn an_exception_that_no_host_can_match_is_refused_in_code() {
    let new = || ClientBuilder::new().proxy("http://proxy:3128");
    for without in [false, true] {
        let builder = new().proxy_except("a.test, http://b.test");
        let builder = if without {
            builder.without_proxy()
        } else {
            builder
        };
        let error = builder.build::<Body>().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Proxy);
        assert!(
            error
                .to_string()
                .contains("proxy_except` names `http://b.test`"),
            "{error}"
        );
    }
    assert!(
        new()
            .proxy_except("a.test b.test:443")
            .build::<Body>()
            .is_ok()
    );
}
