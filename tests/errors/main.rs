//! Does any error say the same thing twice?
//!
//! An error either shows the text of its cause or returns the cause as its
//! source, so that a report of the whole chain reads well. Each error of this
//! crate that can have a source is produced here as a user gets it.

#[path = "../fixtures/mod.rs"]
mod fixtures;
mod page;

use std::{
    collections::BTreeSet,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tower::{Layer, ServiceExt, service_fn};
use tower_genesys::{
    ApiError, BoxError, Client, CollectLayer, GenesysLayer, Org, Pager, ReplayBody, ReplayLayer,
    RetryLayer,
    call::Refused,
    client::ClientBuilder,
    genesys::{
        CredentialsProvider, FileCredentials, credentials_fn, login_file::LoginFile, orgs::Orgs,
    },
    retry::{Budget, Upstream},
    store::{Claim, KeyRing, Owner, StoreKey, TokenStore, file::FileStore, redis::RedisStore},
    testing::{ANY, MockGenesys},
};

use crate::fixtures::mock_org::org_of;

type Sent = Full<Bytes>;

/// Errors whose text says everything.
const WITHOUT_SOURCE: [&str; 3] = ["LoginRedirectError", "OriginError", "RegionError"];
/// Private errors, which the chain of a `ClientError` shows.
const WITHIN: [&str; 3] = ["ConnectError", "StaleConnection", "TunnelError"];

fn reads_well(name: &str, error: &(dyn Error + 'static)) {
    assert!(error.source().is_some(), "{name} has no cause: {error}");
    let mut this = error;
    while let Some(cause) = this.source() {
        let (text, because) = (this.to_string(), cause.to_string());
        assert!(
            !because.is_empty() && !text.contains(&because),
            "{name}: {text:?}, because of {because:?}"
        );
        this = cause;
    }
}

fn broken() -> io::Error {
    io::Error::other("the cable is cut")
}

fn broken_body() -> StreamBody<impl futures_core::Stream<Item = io::Result<Frame<Bytes>>>> {
    StreamBody::new(stream::iter([Err(broken())]))
}

async fn api_error() -> BoxError {
    let mut response = Response::new(broken_body());
    *response.status_mut() = StatusCode::FORBIDDEN;
    ApiError::read(response, ApiError::DEFAULT_LIMIT)
        .await
        .into()
}

async fn body_broken() -> BoxError {
    let api = service_fn(async |_: Request<Sent>| Ok::<_, BoxError>(Response::new(broken_body())));
    let sent = CollectLayer::new().layer(api).oneshot(Request::default());
    sent.await.map(drop).expect_err("its body is broken")
}

/// The error of a request with this method whose connection breaks.
async fn gave_up(method: Method) -> BoxError {
    type Replayed = Request<ReplayBody<Sent>>;
    let api = service_fn(async |_: Replayed| Err::<Response<Sent>, _>(BoxError::from(broken())));
    let upstream = Upstream::new().with_budget(Budget::new(1, 1));
    let retry = RetryLayer::default().with_upstream(upstream).layer(api);
    let mut request = Request::default();
    *request.method_mut() = method;
    let sent = ReplayLayer::new().layer(retry).oneshot(request);
    sent.await.map(drop).expect_err("it is not resent")
}

async fn orgs_error() -> BoxError {
    let orgs = Orgs::new(async |(): ()| Err::<Org, _>(BoxError::from(broken())));
    let asked = orgs.get(&()).await;
    asked.map(drop).expect_err("it is not built").into()
}

async fn page_error() -> BoxError {
    let mock = MockGenesys::builder().users(1).build();
    let org = org_of(&mock);
    let genesys = GenesysLayer::new(&org).layer(mock.service());
    let pager = Pager::new::<Sent>(&org, genesys);
    let mut pages = pager.get("/api/v2/users").pages::<u8>();
    let page = pages.next().await.expect("an item");
    page.expect_err("a user is not a number").into()
}

async fn token_error() -> BoxError {
    let mock = MockGenesys::new();
    let org = Org::builder(mock.region())
        .credentials(credentials_fn(async || Err(broken())))
        .build::<Sent>(mock.service())
        .expect("the region is https");
    org.tokens()
        .token()
        .await
        .map(drop)
        .expect_err("there are no credentials")
        .into()
}

async fn mock_error() -> BoxError {
    let mock = MockGenesys::new();
    mock.on(ANY).reset();
    let request = Request::get("https://api.mypurecloud.com/").body(Sent::default());
    let sent = mock.service().oneshot(request.expect("a request")).await;
    sent.map(drop).expect_err("the mock cuts it off").into()
}

async fn replay_body_error() -> BoxError {
    let body = ReplayBody::new(broken_body());
    body.collect()
        .await
        .map(drop)
        .expect_err("it is broken")
        .into()
}

async fn client_error() -> BoxError {
    let client: Client<Sent> = ClientBuilder::new()
        .without_proxy()
        .allow_loopback()
        .build()
        .expect("the settings are valid");
    let request = Request::get("http://127.0.0.1:1/").body(Sent::default());
    let sent = client.oneshot(request.expect("a request")).await;
    sent.map(drop).expect_err("nothing listens there").into()
}

/// The error of a store whose directory was good when it was built.
async fn store_error(parent: &Path) -> BoxError {
    let store = FileStore::new(parent.join("gone/tokens")).expect("it can be made");
    fs::remove_dir_all(parent.join("gone")).expect("it is there");
    fs::write(parent.join("gone"), "a file").expect("the name is free");
    let claim = Claim::new(
        Owner::random().expect("randomness"),
        Duration::from_secs(10),
    );
    let key = StoreKey::new("login.mypurecloud.ie", "client", "client_credentials");
    let asked = store.get_or_lease(&key, &claim).await;
    asked
        .map(drop)
        .expect_err("there is a file in its place")
        .into()
}

#[tokio::test(start_paused = true)]
async fn no_error_shows_the_text_of_its_source() {
    let folder = tempfile::tempdir().expect("a folder");
    let absent = folder.path().join("absent");
    let file = folder.path().join("file");
    fs::write(&file, "a file").expect("the name is free");
    let client = ClientBuilder::new().ca_file(&absent).build::<Sent>();
    let redis = RedisStore::builder("rediss://127.0.0.1:1")
        .ca_file(&absent)
        .build();
    let errors: Vec<(&str, BoxError)> = vec![
        ("ApiError", api_error().await),
        ("BodyBroken", body_broken().await),
        ("GaveUp", gave_up(Method::GET).await),
        ("GaveUp", gave_up(Method::POST).await),
        ("OrgsError", orgs_error().await),
        ("ConfigError", client.map(drop).expect_err("no file").into()),
        ("ClientError", client_error().await),
        (
            "ConfigError",
            KeyRing::from_file(&absent)
                .map(drop)
                .expect_err("no file")
                .into(),
        ),
        (
            "ConfigError",
            { FileCredentials::new(&absent).credentials().await }
                .map(drop)
                .expect_err("no file"),
        ),
        (
            "FileStoreError",
            FileStore::new(file.join("x"))
                .map(drop)
                .expect_err("no directory")
                .into(),
        ),
        (
            "LoginFileError",
            LoginFile::unsealed(file.join("x/login"))
                .map(drop)
                .expect_err("no directory")
                .into(),
        ),
        ("MockError", mock_error().await),
        ("PageError", page_error().await),
        (
            "RedisStoreError",
            redis.map(drop).expect_err("no file").into(),
        ),
        ("Refused", Refused::new(token_error().await).into()),
        ("ReplayBodyError", replay_body_error().await),
        ("StoreError", store_error(folder.path()).await),
        ("TokenError", token_error().await),
    ];
    let mut names: BTreeSet<_> = errors.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (name, error) in &errors {
        reads_well(name, &**error);
    }
    names.extend(WITHOUT_SOURCE.into_iter().chain(WITHIN).map(str::to_owned));
    assert_eq!(names, implementors(), "all errors of the crate");
    let mut all = page::without_cause().await;
    all.extend(errors);
    page::is_current(&all, folder.path());
}

/// The types for which the library implements `Error`. Those of its unit tests
/// are indented.
fn implementors() -> BTreeSet<String> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut found = BTreeSet::new();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a folder");
            folders.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let text = fs::read_to_string(path).expect("a source file");
        let heads = text
            .lines()
            .filter_map(|line| line.strip_prefix("impl Error for "));
        found
            .extend(heads.map(|rest| rest.split([' ', '<']).next().unwrap_or_default().to_owned()));
    }
    found
}
