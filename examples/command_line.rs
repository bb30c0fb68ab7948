//! A token kept between the runs of a program:
//! `cargo run --all-features --example command_line`

use std::{env, path::Path, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;
use tokio::{process::Command, time::sleep};
use tower::ServiceExt;
use tower_genesys::{
    BoxError, Credentials, Org, Region, Sharing,
    client::ClientBuilder,
    store::file::FileStore,
    testing::{MockGenesys, MockServer, USERS},
};

/// How long the pipeline, which cannot renew its token, may take.
const PIPELINE: Duration = Duration::from_secs(30 * 60);

/// One run of the program.
async fn job() -> Result<(), BoxError> {
    let client = ClientBuilder::new().allow_loopback().build()?;
    let region = Region::custom(&env::var("LOGIN")?, &env::var("API")?)?;
    let credentials = Credentials::new(env::var("ID")?, env::var("SECRET")?)?;

    // A directory of this user and this program. If you can keep a key
    // elsewhere, use `Sharing::sealed`.
    let sharing = Sharing::unsealed(FileStore::new(env::var("CACHE")?)?);
    let org = Org::builder(region)
        .credentials(credentials)
        .share(sharing)
        .allow_loopback()
        .build(client.clone())?;

    // The last job of a pipeline ends the token, at the service and in the
    // directory.
    if env::var_os("LOG_OUT").is_some() {
        return Ok(org.revoke().await?);
    }

    // The token of an earlier run if it lasts long enough, and a new one
    // otherwise.
    let token = org.tokens().token_valid_for(PIPELINE).await?;

    // The pipeline: any program that takes one token for all of its work.
    let request = Request::get(org.api("/api/v2/users")?)
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    let response = client
        .oneshot(request.body(Full::<Bytes>::default())?)
        .await?;
    assert_eq!(response.status(), StatusCode::OK);
    Ok(())
}

/// Runs this program as a child process.
async fn run(mock: &MockGenesys, server: &MockServer, cache: &Path) -> Result<(), BoxError> {
    end(&mut program(mock, server, cache)?).await
}

async fn log_out(mock: &MockGenesys, server: &MockServer, cache: &Path) -> Result<(), BoxError> {
    end(program(mock, server, cache)?.env("LOG_OUT", "1")).await
}

async fn end(program: &mut Command) -> Result<(), BoxError> {
    assert!(program.status().await?.success());
    Ok(())
}

fn program(mock: &MockGenesys, server: &MockServer, cache: &Path) -> Result<Command, BoxError> {
    let mut program = Command::new(env::current_exe()?);
    program
        .env("LOGIN", server.region().login_base().to_string())
        .env("API", server.region().api_base().to_string())
        .env("ID", mock.client_id())
        .env("SECRET", mock.client_secret())
        .env("CACHE", cache);
    Ok(program)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if env::var_os("CACHE").is_some() {
        return job().await;
    }
    // The mock takes the place of Genesys Cloud, where tokens live for a day.
    // These last for the pipeline and for the 30 seconds that are never used,
    // and little longer.
    let life = PIPELINE + Duration::from_secs(30 + 6);
    let mock = MockGenesys::builder().token_lifetime(life).build();
    let (server, caches) = (mock.serve().await?, tempfile::tempdir()?);
    let cache = caches.path().join("command_line");

    run(&mock, &server, &cache).await?;
    run(&mock, &server, &cache).await?;
    assert_eq!((mock.token_posts(), mock.count(USERS)), (1, 2));

    sleep(Duration::from_secs(7)).await;
    run(&mock, &server, &cache).await?;
    run(&mock, &server, &cache).await?;
    assert_eq!((mock.token_posts(), mock.count(USERS)), (2, 4));
    println!("four runs, two token requests");

    // A pipeline whose last job logs out.
    let (mock, cache) = (MockGenesys::new(), caches.path().join("pipeline"));
    let server = mock.serve().await?;
    run(&mock, &server, &cache).await?;
    run(&mock, &server, &cache).await?;
    assert_eq!((mock.token_posts(), mock.live_tokens()), (1, 1));
    log_out(&mock, &server, &cache).await?;
    assert_eq!((mock.token_posts(), mock.live_tokens()), (1, 0));
    println!("logged out");
    Ok(())
}
