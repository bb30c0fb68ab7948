//! The layers under a client that progenitor generates from an OpenAPI
//! document: `cargo run -p generated_client`
//!
//! Its methods and the errors of the API are typed, and each method goes
//! through the layers: `layers.rs` is all that this needs. `openapi.json`
//! describes three operations as an example.

mod layers;

/// Generated at compile time.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "progenitor writes it"
)]
mod api {
    progenitor::generate_api!(spec = "openapi.json", inner_type = crate::layers::Layers,);
}

use reqwest::Body;
use tower_genesys::{
    BoxError, Credentials, Org, ReplayBody,
    reqwest::HttpService,
    testing::{MockGenesys, MockServer},
};

use crate::{
    api::{Client, types::CreateUser},
    layers::Layers,
};

fn client(mock: &MockGenesys, server: &MockServer, secret: &str) -> Result<Client, BoxError> {
    let client = HttpService::from_builder(reqwest::Client::builder().no_proxy())?;
    // `Org::from_env` has credentials and region.
    let org = Org::builder(server.region())
        .credentials(Credentials::new(mock.client_id(), secret)?)
        .allow_loopback()
        .build::<ReplayBody<Body>>(client.clone())?;
    let base = org.region().api_base().to_string();
    Ok(Client::new(
        base.trim_end_matches('/'),
        Layers::new(&org, client),
    ))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mock = MockGenesys::new(); // stands for Genesys Cloud
    let server = mock.serve().await?;
    let client = client(&mock, &server, &mock.client_secret())?;
    let page = client.get_users(None, Some(5)).await?.into_inner();
    println!("{} of {:?} users", page.entities.len(), page.total);

    // The token is revoked during a POST, and the caller does not notice.
    mock.revoke_all();
    let user = CreateUser {
        name: "Ada".into(),
        email: "ada@example.com".into(),
    };
    let ada = client.post_users(&user).await?.into_inner();
    println!(
        "created {:?}, by {} requests",
        ada.name,
        mock.api_calls() - 1
    );
    Ok(())
}

#[cfg(test)]
mod tests;
