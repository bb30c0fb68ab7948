//! A gateway in front of the Genesys Cloud API, whose callers never see the
//! token.
//!
//! ```text
//! cargo run -p axum_gateway
//! ```
//!
//! `gateway.rs` forwards requests, and `serve.rs` has readiness and shutdown.
//! This file runs them with two mocked organisations, sends a request to each,
//! and ends.

#[path = "../gateway.rs"]
mod gateway;
#[path = "../serve.rs"]
mod serve;

use std::collections::BTreeMap;

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{net::TcpListener, sync::oneshot};
use tower_genesys::{BoxError, Credentials, Org, ReplayBody, testing::MockGenesys};

use crate::gateway::{Gateway, HttpClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_all_versions()
        .build();
    let client: HttpClient = Client::builder(TokioExecutor::new()).build(https);

    let mocks = [
        ("acme", MockGenesys::builder().seed(1).build()),
        ("globex", MockGenesys::builder().seed(2).build()),
    ];
    let (mut orgs, mut servers) = (BTreeMap::new(), Vec::new());
    for (name, mock) in &mocks {
        let server = mock.serve().await?;
        let org = Org::builder(server.region())
            .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
            .allow_loopback()
            .build(client.clone())?;
        orgs.insert((*name).to_owned(), org);
        servers.push(server);
    }

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    // In your service: `async { tokio::signal::ctrl_c().await… }`.
    let (stop, stopped) = oneshot::channel::<()>();
    let gateway = Gateway::new(client.clone(), orgs);
    let gateway = tokio::spawn(serve::serve(gateway, listener, async {
        drop(stopped.await)
    }));

    for (name, mock) in &mocks {
        let request = Request::get(format!("{url}/orgs/{name}/api/v2/users?pageSize=5"))
            .header(header::AUTHORIZATION, "Bearer of-the-caller")
            .body(ReplayBody::new(Body::empty()))?;
        let response = client.request(request).await?;
        assert_eq!(response.status(), StatusCode::OK);
        let users = response.into_body().collect().await?.to_bytes();
        println!("{name}: {} bytes of users", users.len());
        assert_eq!((mock.token_posts(), mock.api_calls()), (1, 1));
        assert_ne!(mock.requests()[1].bearer(), Some("of-the-caller"));
    }
    drop(stop);
    gateway.await??;
    println!("shut down, with nothing left behind");
    Ok(())
}
