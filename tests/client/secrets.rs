use std::{error::Error, fmt::Write as _, time::Duration};

use tower_genesys::{BoxError, client::ClientBuilder};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::{
    captured_log::CapturedLog,
    fake_proxy::FakeProxy,
    setup::{Body, HttpClient, Setup, get, setup},
    tinyproxy::{PASSWORD, Tinyproxy, USER},
};

fn show(shown: &mut String, error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(cause) = next {
        write!(shown, "{cause} {cause:?} ").expect("a string takes it");
        next = cause.source();
    }
}

/// Goes through all outcomes at a proxy, and collects everything that can be
/// shown.
async fn trouble(shown: &mut String, setup: &Setup) {
    let proxy = Tinyproxy::start(setup.port());
    let refusing = FakeProxy::start(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
    let babbling = FakeProxy::start(b"SSH-2.0-OpenSSH\r\n").await;
    let urls = [
        proxy.url(USER, PASSWORD),
        // A wrong password is a secret, too.
        proxy.url(USER, &format!("{PASSWORD}-wr0ng")),
        format!("http://{USER}:{PASSWORD}@127.0.0.1:1"),
        format!("https://{USER}:{PASSWORD}@{}", proxy.address()),
        format!("http://{USER}:{PASSWORD}@{}", refusing.address()),
        format!("http://{USER}:{PASSWORD}@{}", babbling.address()),
    ];
    for url in urls {
        let builder = ClientBuilder::new()
            .ca_pem(setup.authority.pem())
            // tinyproxy takes a TLS handshake for half a line, and waits for
            // the rest.
            .connect_timeout(Duration::from_millis(300))
            .proxy(url);
        let client: HttpClient = builder.build().expect("a client");
        write!(shown, "{builder:?} {client:?} ").expect("a string takes it");
        match setup.users(&client).await {
            Ok(response) => write!(shown, "{response:?} ").expect("a string takes it"),
            Err(error) => show(shown, &*error),
        }
        match get(&client, setup.uri()).await {
            Ok(response) => write!(shown, "{response:?} ").expect("a string takes it"),
            Err(error) => {
                show(shown, &error);
                show(shown, &*BoxError::from(error));
            }
        }
    }
    for url in [
        format!("ftp://{USER}:{PASSWORD}@proxy"),
        format!("http://{USER}:{PASSWORD}@@proxy"),
        format!("http://{USER}:x@{PASSWORD}@proxy"),
        format!("http://{USER}:{PASSWORD}@proxy:port"),
        format!("http://{USER}:{PASSWORD}/@proxy"),
        format!("http://{USER}:{PASSWORD} @proxy"),
        format!("socks5://{USER}:{PASSWORD}@proxy"),
    ] {
        let builder = ClientBuilder::new().proxy(url);
        write!(shown, "{builder:?} ").expect("a string takes it");
        show(shown, &builder.build::<Body>().expect_err("a bad URL"));
    }
}

#[test]
fn the_password_of_the_proxy_is_never_shown_or_logged() {
    let log = CapturedLog::default();
    let subscriber = log
        .subscriber()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .finish();
    let mut shown = String::new();
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let setup = setup().await;
            trouble(&mut shown, &setup).await;
            assert!(setup.server.accepted() > 0, "the first proxy works");
        });
    });
    let log = log.text();
    assert!(log.contains("hyper_util"), "there is a log: {log}");
    assert!(
        shown.contains("user and password"),
        "there are errors: {shown}"
    );
    let everything = format!("{shown}\n{log}");
    // The part of `proxy-user:pr0xy-pa55w0rd` in base64 that the wrong password
    // shares.
    let basic = "cHJveHktdXNlcjpwcjB4eS1wYTU1dzByZ";
    for secret in [PASSWORD, USER, basic] {
        assert!(!everything.contains(secret), "{secret} is shown");
    }
}
