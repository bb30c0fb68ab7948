//! All error messages side by side, as a page to read: `what it is → text`, and
//! the causes below.
//!
//! `UPDATE_ERROR_PAGE=1 cargo test --all-features --test errors` writes the
//! page.

use std::{env, error::Error, fmt::Write as _, fs, path::Path, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_genesys::{
    BearerLayer, BoxError, Credentials, Region, TokenCache,
    bearer::Origins,
    genesys::grants::{LoginCode, LoginState},
    spans::Templates,
    store::KeyRing,
    token::{FixedToken, IssuedToken, TokenProvider, source_fn},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/errors/page.txt");

async fn origin(uri: &str) -> BoxError {
    type Sent = Full<Bytes>;
    let tokens = FixedToken::new("s3cr3t").expect("visible ASCII");
    let origins = Origins::of_host("api.mypurecloud.ie").expect("a host");
    let api = service_fn(async |_: Request<Sent>| Ok::<_, BoxError>(Response::new(())));
    let request = Request::get(uri).body(Sent::default()).expect("a URI");
    let sent = BearerLayer::new(tokens, origins)
        .layer(api)
        .oneshot(request);
    sent.await.map(drop).expect_err("another origin")
}

async fn fixed_token() -> BoxError {
    let tokens = FixedToken::new("s3cr3t").expect("visible ASCII");
    let token = tokens.try_current().expect("a fixed token");
    let newer = tokens.wait(token.generation()).await;
    newer.expect_err("it never changes").into()
}

async fn closed_cache() -> BoxError {
    let cache = TokenCache::new(source_fn(|_| async {
        Ok(IssuedToken::new("s3cr3t", Duration::from_secs(60)))
    }));
    cache.close().await;
    cache.token().await.expect_err("it is closed").into()
}

fn error<T>(result: Result<T, impl Into<BoxError>>) -> BoxError {
    result
        .map(drop)
        .map_err(Into::into)
        .expect_err("it is wrong")
}

/// The errors without a cause, one for each mistake of a user.
pub(crate) async fn without_cause() -> Vec<(&'static str, BoxError)> {
    let state = LoginState::new("abc");
    let redirect = |query| error(LoginCode::from_redirect(query, "http://127.0.0.1/", &state));
    vec![
        ("empty region", error(Region::parse(""))),
        (
            "region over http",
            error(Region::parse("http://mypurecloud.ie")),
        ),
        ("unknown region", error(Region::parse("mypurecloud.xy"))),
        ("empty client id", error(Credentials::new("", "s3cr3t"))),
        ("empty secret", error(Credentials::new("client", ""))),
        (
            "URL as a host",
            error(Origins::of_host("https://api.mypurecloud.ie/")),
        ),
        ("empty host", error(Origins::of_host(""))),
        (
            "host with a password",
            error(Origins::of_host("me:pw@gw.example")),
        ),
        (
            "host with a bad port",
            error(Origins::of_host("gw.example:https")),
        ),
        ("URI without a host", origin("/api/v2/users").await),
        ("URI over http", origin("http://api.mypurecloud.ie/").await),
        ("URI of another host", origin("https://evil.example/").await),
        (
            "URI with a password",
            origin("https://me:pw@api.mypurecloud.ie/").await,
        ),
        ("empty token", error(FixedToken::new(""))),
        ("header as a token", error(FixedToken::new("Bearer s3cr3t"))),
        ("refused fixed token", fixed_token().await),
        ("closed cache", closed_cache().await),
        ("redirect of another login", redirect("code=xyz&state=abd")),
        ("redirect without a code", redirect("state=abc")),
        (
            "empty template",
            error(Templates::default().and(Method::GET, "")),
        ),
        ("malformed key", error(KeyRing::parse("key"))),
    ]
}

/// Compares the page with the texts of the code.
pub(crate) fn is_current(errors: &[(&str, BoxError)], folder: &Path) {
    let mut page = String::new();
    for (name, error) in errors {
        let mut this: Option<&(dyn Error + 'static)> = Some(&**error);
        let mut mark = format!("{name} → ");
        while let Some(error) = this {
            let _ = writeln!(page, "{mark}{error}");
            (this, mark) = (error.source(), "    because: ".to_owned());
        }
    }
    let page = page.replace(&*folder.to_string_lossy(), "DIR");
    if env::var_os("UPDATE_ERROR_PAGE").is_some() {
        fs::write(PAGE, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(PAGE).expect("the page is there");
    let differs = page
        .lines()
        .zip(written.lines())
        .find(|(now, then)| now != then);
    assert!(
        page == written,
        "tests/errors/page.txt differs: {differs:?}; see page.rs"
    );
}
