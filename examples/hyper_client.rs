//! The layers over a client of hyper-util, in two ways: a client that you build
//! yourself with rustls, and the one that the feature `client` builds in one
//! call.
//!
//! ```text
//! cargo run --example hyper_client
//! ```
//!
//! The second one uses the proxy in `HTTPS_PROXY`, if it is set, with its user
//! and password. Both talk to a mock of Genesys Cloud on a loopback port. For
//! the real one, omit the lines that are marked with "mock", and call
//! `Org::from_env(client.clone())?`.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy, rt::TokioExecutor};
use tower::{ServiceBuilder, ServiceExt};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org, ReplayBody,
    client::ClientBuilder,
    genesys::grants::TokenClient,
    testing::{MockGenesys, MockServer},
};

type Body = ReplayBody<Full<Bytes>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mock = MockGenesys::new(); // mock
    let server = mock.serve().await?; // mock

    // Your client. It names the crypto provider: otherwise rustls takes the one
    // that the process has installed.
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
        .https_or_http() // mock: `https_only`
        .enable_all_versions()
        .build();
    let own = legacy::Client::builder(TokioExecutor::new()).build(https);
    println!(
        "own client: {} users",
        count_users(&mock, &server, own).await?
    );

    // In one call, here with two settings. `Client::new` is the same without
    // settings.
    let client = ClientBuilder::new()
        .connect_timeout(Duration::from_secs(3))
        .allow_loopback() // mock
        .build()?;
    mock.revoke_all();
    println!(
        "in one call: {} users",
        count_users(&mock, &server, client).await?
    );

    assert_eq!((mock.token_posts(), mock.api_calls()), (2, 2));
    Ok(())
}

/// Works with any client, as the layers do.
async fn count_users<C>(mock: &MockGenesys, server: &MockServer, client: C) -> Result<u64, BoxError>
where
    C: TokenClient<Body, ResponseBody: Send + 'static>,
{
    let org = Org::builder(server.region())
        .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
        .allow_loopback() // mock
        .build(client.clone())?;
    let genesys = ServiceBuilder::new()
        .layer(GenesysLayer::new(&org))
        .service(client);

    let request = Request::get(org.api("/api/v2/users?pageSize=1")?).body(Full::default())?;
    let response = genesys.oneshot(request).await?;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.map_err(Into::into)?;
    let page: serde_json::Value = serde_json::from_slice(&body.to_bytes())?;
    Ok(page["total"].as_u64().unwrap_or_default())
}
