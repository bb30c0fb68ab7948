//! Sends one request through the four layers.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{BoxError, Layer, ServiceExt};
use tower_genesys::{GenesysLayer, Org, ReplayBody};

fn main() -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody<Full<Bytes>>>();
        let org = Org::from_env(client.clone())?;
        let client = layers(&org).layer(client);
        let uri = org.api(&std::env::args().nth(1).unwrap_or_default())?;
        let response = client
            .oneshot(Request::get(uri).body(Full::default())?)
            .await?;
        println!("{}", response.status());
        Ok(())
    })
}

#[cfg(not(feature = "more"))]
fn layers(org: &Org) -> GenesysLayer {
    GenesysLayer::new(org)
}

#[cfg(feature = "more")]
fn layers(org: &Org) -> GenesysLayer {
    let metrics = tower_genesys::metrics::Metrics;
    GenesysLayer::new(org).map_retry(|retry| retry.with_observer(metrics))
}
