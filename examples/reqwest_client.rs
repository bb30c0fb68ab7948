//! reqwest, with a token that is always valid.
//!
//! ```text
//! cargo run --example reqwest_client --features reqwest-013
//! ```

use std::time::Duration;

use reqwest::{Body, Client, Response, StatusCode, header};
use tower::Layer;
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, GenesysService, Org, ReplayBody,
    reqwest::{HttpService, ReqwestService},
    testing::{CREATE_USER, MockGenesys, MockServer},
};

/// The state of a program: a reqwest client that builds requests, and the stack
/// that sends them.
struct Genesys {
    org: Org,
    client: HttpService,
    stack: ReqwestService<GenesysService<HttpService>>,
}

impl Genesys {
    fn new(mock: &MockGenesys, server: &MockServer) -> Result<Self, BoxError> {
        // Your settings: TLS, proxy, timeouts. Retries and redirects of reqwest
        // are turned off.
        let settings = Client::builder().connect_timeout(Duration::from_secs(5));
        let client = HttpService::from_builder(settings)?;

        // One client, for tokens and for the API. `Org::from_env` has
        // credentials and region.
        let org = Org::builder(server.region())
            .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
            .allow_loopback()
            .build::<ReplayBody<Body>>(client.clone())?;
        let stack = ReqwestService::new(GenesysLayer::new(&org).layer(client.clone()));
        Ok(Self { org, client, stack })
    }

    async fn users(&self) -> Result<Response, BoxError> {
        let url = self.org.api("/api/v2/users?pageSize=100")?.to_string();
        let request = self.client.get_ref().get(url);
        Ok(self.stack.send(request).await?.error_for_status()?)
    }

    async fn create_user(&self, json: &'static str) -> Result<Response, BoxError> {
        let url = self.org.api("/api/v2/users")?.to_string();
        let request = self.client.get_ref().post(url);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.stack.send(request.body(json)).await
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mock = MockGenesys::new(); // stands for Genesys Cloud
    let server = mock.serve().await?;
    let genesys = Genesys::new(&mock, &server)?;
    println!(
        "{} bytes of users",
        genesys.users().await?.bytes().await?.len()
    );

    // The token is revoked during a POST. The request is replayed with the next
    // token and the same body.
    mock.on(CREATE_USER).nth(1).revoke_token();
    let response = genesys
        .create_user(r#"{"name":"Ada","email":"ada@example.com"}"#)
        .await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        (
            mock.token_posts(),
            mock.count(CREATE_USER),
            mock.created_users()
        ),
        (2, 2, 1)
    );
    println!("a user created once, over a revoked token");
    Ok(())
}
