use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Request;
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, Client, GenesysLayer, GenesysService, Org, ReplayBody, Sharing,
    client::ClientBuilder,
    genesys::EnvCredentials,
    retry::Outcome,
    store::{KeyRing, Limit, book::LimitEvent, redis::RedisStore},
};

/// The requests that Genesys grants the client of this fleet in a minute. Each
/// process states this limit.
pub(crate) const LIMIT: u32 = 300;

/// A process that keeps to one limit together with the others, until it is
/// killed or a call fails.
pub(crate) async fn run(is_batch: bool) -> Result<(), BoxError> {
    let limit =
        Limit::per_minute(LIMIT).with_observer(|event: &LimitEvent| println!("{}", event.as_str()));
    let store = RedisStore::from_env()?;
    let sharing = Sharing::sealed(store.clone(), KeyRing::from_env()?);

    let client = ClientBuilder::new().allow_loopback().build()?;
    let org = Org::builder(crate::process::region()?)
        .credentials(EnvCredentials::new())
        .share(sharing)
        .shared_limit(limit, store)
        .allow_loopback() // here and above for the mock
        .build(client.clone())?;
    let genesys = GenesysLayer::new(&org).layer(client);

    // A batch job wants more than the limit, with ten requests in flight. The
    // interactive process sends one request at a time, and a person waits for
    // the response.
    let (in_flight, pause) = match is_batch {
        true => (10, Duration::ZERO),
        false => (1, Duration::from_millis(300)),
    };
    let calls = (0..in_flight).map(|_| call(&org, &genesys, pause));
    try_join_all(calls).await?;
    Ok(())
}

/// Sends one request after the other. Prints for each how many milliseconds it
/// has waited for a slot of the limit.
async fn call(
    org: &Org,
    genesys: &GenesysService<Client<ReplayBody<Full<Bytes>>>>,
    pause: Duration,
) -> Result<(), BoxError> {
    loop {
        let request = Request::get(org.api("/api/v2/users")?).body(Full::<Bytes>::default())?;
        let response = genesys.clone().oneshot(request).await?;
        let outcome = Outcome::of(response.extensions());
        let waited = outcome.map_or(Duration::ZERO, |outcome| outcome.waited_for_slots);
        println!("{} {}", response.status().as_u16(), waited.as_millis());
        tokio::time::sleep(pause).await;
    }
}
