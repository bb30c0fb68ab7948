//! A token kept between the runs of a program: `cargo run --all-features --example command_line`

use std::{env, path::Path, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use tokio::process::Command;
use tower::ServiceExt;
use tower_genesys::{
    BoxError, ClientBuilder, Credentials, Org, Region, Sharing,
    store::FileStore,
    testing::{MockGenesys, MockServer, TOKEN, USERS},
};

/// One run: it gets a token for a pipeline of so many minutes, which cannot renew it.
async fn job(minutes: u64) -> Result<(), BoxError> {
    let client = ClientBuilder::new().allow_loopback().build()?;
    // Both are in `Org::from_env`, for those who share nothing.
    let region = Region::custom(&env::var("LOGIN")?, &env::var("API")?)?;
    let credentials = Credentials::new(env::var("ID")?, env::var("SECRET")?)?;

    // A directory of this user and this program. With a place for a key, `Sharing::sealed`.
    let sharing = Sharing::unsealed(FileStore::new(env::var("CACHE")?)?)
        .with_operation_timeout(Duration::from_secs(2)); // a busy disk takes longer than a server
    let org = Org::builder(region)
        .credentials(credentials)
        .share(sharing)
        .allow_loopback()
        .build::<Full<Bytes>, _>(client.clone())?;

    // The token of an earlier run if it lasts, and else a new one.
    let lasting = Duration::from_secs(minutes * 60);
    let token = org.tokens().token_valid_for(lasting).await?;

    // The pipeline: any program that takes a token and runs until it is done.
    let request = Request::get(org.api("/api/v2/users")?)
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    let response = client.oneshot(request.body(Full::default())?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    Ok(())
}

/// This program once more, in a process of its own.
async fn run(mock: &MockGenesys, server: &MockServer, cache: &Path, minutes: u64) {
    let mut again = Command::new(env::current_exe().expect("this program"));
    let run = { again.arg(minutes.to_string()) }
        .env("LOGIN", server.region().login_base().to_string())
        .env("API", server.region().api_base().to_string())
        .env("ID", mock.client_id())
        .env("SECRET", mock.client_secret())
        .env("CACHE", cache);
    assert!(run.status().await.expect("it starts").success());
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if let Some(minutes) = env::args().nth(1) {
        return job(minutes.parse()?).await;
    }
    let mock = MockGenesys::new(); // stands for Genesys Cloud
    let (server, caches) = (mock.serve().await?, tempfile::tempdir()?);
    let cache = caches.path().join("one");
    run(&mock, &server, &cache, 1).await;
    run(&mock, &server, &cache, 30).await;
    assert_eq!((mock.token_posts(), mock.count(USERS)), (1, 2));

    // 20 minutes are enough for a job of one; before a longer job there is a fresh token, then for all.
    mock.on(TOKEN).nth(2).with_expires_in("1200");
    let cache = caches.path().join("other");
    for (minutes, token_posts) in [(1, 2), (1, 2), (30, 3), (30, 3), (1, 3)] {
        run(&mock, &server, &cache, minutes).await;
        assert_eq!(mock.token_posts(), token_posts, "{minutes} minutes");
    }
    println!("seven runs, three token requests");
    Ok(())
}
