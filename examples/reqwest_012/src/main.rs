//! reqwest 0.12 under the layers: `cargo run -p reqwest_012`
//!
//! The feature `reqwest-013` has an adapter for 0.13. For 0.12, `service.rs`
//! has one in forty lines.

mod service;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    ApiError, BoxError, Credentials, GenesysLayer, GenesysService, Org, ReplayBody,
    testing::{MockGenesys, MockServer},
};

use crate::service::HttpService;

type Body = Full<Bytes>;
type Genesys = GenesysService<HttpService>;

fn genesys(mock: &MockGenesys, server: &MockServer) -> Result<(Org, Genesys), BoxError> {
    let settings = reqwest::Client::builder().connect_timeout(Duration::from_secs(5));
    let client = HttpService::new(settings.no_proxy())?;
    // `Org::from_env` has credentials and region.
    let org = Org::builder(server.region())
        .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
        .allow_loopback()
        .build::<ReplayBody<Body>>(client.clone())?;
    let genesys = GenesysLayer::new(&org).layer(client);
    Ok((org, genesys))
}

/// Returns the number of users.
async fn users(org: &Org, genesys: &Genesys) -> Result<u64, BoxError> {
    let request = Request::get(org.api("/api/v2/users?pageSize=1")?).body(Body::default())?;
    let response: Response<reqwest::Body> = genesys.clone().oneshot(request).await?;
    if !response.status().is_success() {
        return Err(ApiError::read(response, ApiError::DEFAULT_LIMIT)
            .await
            .into());
    }
    let body = response.into_body().collect().await?.to_bytes();
    let page: Value = serde_json::from_slice(&body)?;
    page["total"]
        .as_u64()
        .ok_or_else(|| "there is no total".into())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mock = MockGenesys::new(); // stands for Genesys Cloud
    let server = mock.serve().await?;
    let (org, genesys) = genesys(&mock, &server)?;
    println!("{} users", users(&org, &genesys).await?);
    mock.revoke_all();
    println!(
        "{} users, with the next token",
        users(&org, &genesys).await?
    );
    println!(
        "{} token requests, {} API calls",
        mock.token_posts(),
        mock.api_calls()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tower_genesys::testing::{CREATE_USER, USERS};

    use super::*;

    #[tokio::test]
    async fn a_revoked_token_and_an_outage_cost_the_caller_nothing() {
        let mock = MockGenesys::builder().users(7).build();
        let server = mock.serve().await.unwrap();
        let (org, genesys) = genesys(&mock, &server).unwrap();
        assert_eq!(users(&org, &genesys).await.unwrap(), 7);
        mock.revoke_all();
        mock.on(USERS).nth(4).reset();
        assert_eq!(users(&org, &genesys).await.unwrap(), 7);
        assert_eq!(users(&org, &genesys).await.unwrap(), 7);
        assert_eq!((mock.token_posts(), mock.count(USERS)), (2, 5));
    }

    #[tokio::test]
    async fn a_post_is_replayed_after_a_401_and_not_repeated_when_its_connection_breaks() {
        let mock = MockGenesys::new();
        let server = mock.serve().await.unwrap();
        let (org, genesys) = genesys(&mock, &server).unwrap();
        let create = || {
            let body = r#"{"name":"Ada","email":"ada@example.com"}"#;
            let request = Request::post(org.api("/api/v2/users").unwrap());
            let request = request.header("content-type", "application/json");
            genesys
                .clone()
                .oneshot(request.body(Body::from(body)).unwrap())
        };
        mock.on(CREATE_USER).nth(1).revoke_token();
        assert_eq!(create().await.unwrap().status(), StatusCode::OK);
        mock.on(CREATE_USER).nth(3).reset();
        create().await.unwrap_err();
        assert_eq!((mock.count(CREATE_USER), mock.created_users()), (3, 1));
    }
}
