//! Many tenants through one stack: `cargo run --all-features --example tenants`

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org,
    genesys::orgs::Orgs,
    testing::{MockGenesys, USERS},
};

type Body = Full<Bytes>;

const TENANTS: u32 = 300;

/// Looks up a tenant, and builds its organisation. All tenants share one HTTP
/// client.
async fn build(tenant: u32, mock: MockGenesys) -> Result<Org, BoxError> {
    // In your program: a row of a table, or a secret in a vault, by tenant.
    assert!(tenant < TENANTS, "no such tenant");
    let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
    let builder = Org::builder(mock.region()).credentials(credentials);
    Ok(builder.build(mock.http_client())?)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The mock takes the place of Genesys Cloud and of the HTTP client.
    let mock = MockGenesys::builder().max_tokens(1000).build();
    let backend = mock.clone();
    let orgs = Orgs::builder(move |tenant| build(tenant, backend.clone()))
        .capacity(100)
        .idle(Duration::from_secs(3600))
        .build()?;
    let stack = ServiceBuilder::new()
        .layer(GenesysLayer::per_request())
        .service(mock.service());

    for tenant in 0..TENANTS {
        // Three concurrent requests of a tenant build its organisation once.
        let calls = (0..3).map(|_| call(&orgs, stack.clone(), tenant));
        for status in futures_util::future::join_all(calls).await {
            assert_eq!(status?, 200);
        }
    }
    assert_eq!(mock.token_posts(), TENANTS as usize);
    assert_eq!(mock.count(USERS), 3 * TENANTS as usize);
    assert_eq!(orgs.len(), 100);
    println!(
        "{TENANTS} tenants, {} requests, {} token requests, {} organisations held",
        mock.count(USERS),
        mock.token_posts(),
        orgs.len()
    );
    orgs.close().await;
    Ok(())
}

/// Sends a request of this tenant.
async fn call<S, R>(orgs: &Orgs<u32>, mut stack: S, tenant: u32) -> Result<u16, BoxError>
where
    S: Service<Request<Body>, Response = http::Response<R>, Error = BoxError>,
{
    let org = orgs.get(&tenant).await?;
    let mut request = Request::get(org.api("/api/v2/users")?).body(Body::default())?;
    request.extensions_mut().insert(org);
    let response = stack.ready().await?.call(request).await?;
    Ok(response.status().as_u16())
}
