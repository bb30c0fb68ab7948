use std::{env, error::Error, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    GenesysLayer, Org, Region, Sharing,
    client::ClientBuilder,
    genesys::EnvCredentials,
    store::{KeyRing, StoreEvent, redis::RedisStore},
};

/// A process of the fleet, which calls the API five times a second until it is
/// killed.
pub(crate) async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    // The server in REDIS_URL, and the sealing keys in GENESYS_STORE_KEYS: who
    // reads the data of that server finds no usable token.
    let sharing = Sharing::sealed(RedisStore::from_env()?, KeyRing::from_env()?)
        .with_lease(Duration::from_secs(1)) // 10 by default; the demonstration is shorter
        .with_observer(|event: &StoreEvent<'_>| println!("{}", event.as_str()));

    let client = ClientBuilder::new().allow_loopback().build()?;
    let org = Org::builder(region()?)
        .credentials(EnvCredentials::new())
        .share(sharing)
        .allow_loopback() // here and above for the mock
        .build(client.clone())?;
    let genesys = GenesysLayer::new(&org).layer(client);

    loop {
        let request = Request::get(org.api("/api/v2/users")?).body(Full::<Bytes>::default())?;
        let response = genesys.clone().oneshot(request).await?;
        assert!(response.status().is_success());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// For the real Genesys Cloud, use `Org::builder_from_env` instead of the
/// builder above.
pub(crate) fn region() -> Result<Region, Box<dyn Error + Send + Sync>> {
    let url = env::var(crate::MOCK)?;
    Ok(Region::custom(&url, &url)?)
}
