//! Counts the conversations of an interval by media type and day.
//!
//! ```text
//! cargo run --example conversation_report [INTERVAL]
//! ```
//!
//! With `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION` in the environment, it
//! asks Genesys Cloud; INTERVAL is as the API writes it
//! (`2026-01-05T00:00:00Z/2026-01-12T00:00:00Z`), by default the last seven whole days. Without, it
//! serves itself a Genesys Cloud that makes trouble: the token expires and is revoked on the way,
//! requests are throttled, and one meets an outage. Either way the pages are fetched several at a
//! time, and not one line of the job is about any of that.
//!
//! It exits with 1 if a conversation is missing or comes twice.

mod demo;
mod pages;
mod progress;
mod report;
mod tally;

use std::{error::Error, process::ExitCode};

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower::ServiceBuilder;
use tower_genesys::{GenesysLayer, Org, ReplayBody};

use crate::{demo::Demo, pages::Pages, progress::Progress, report::Report, tally::Tally};

type HttpClient = Client<HttpsConnector<HttpConnector>, ReplayBody<Full<Bytes>>>;

/// With any of these set, the real Genesys Cloud is meant; what is missing is then an error.
const CREDENTIALS: [&str; 4] = [
    "GENESYS_CLIENT_ID",
    "GENESYS_CLIENT_SECRET",
    "GENESYSCLOUD_OAUTHCLIENT_ID",
    "GENESYSCLOUD_OAUTHCLIENT_SECRET",
];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool, Box<dyn Error + Send + Sync>> {
    // One client, for tokens and for the API. Proxy and TLS are its business.
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_all_versions()
        .build();
    let client: HttpClient = Client::builder(TokioExecutor::new()).build(https);

    let demo = if CREDENTIALS
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        None
    } else {
        Some(Demo::start().await?)
    };
    let org = match &demo {
        Some(demo) => demo.org(client.clone())?,
        None => Org::from_env(client.clone())?,
    };
    let interval = match (std::env::args().nth(1), &demo) {
        (Some(interval), _) => interval,
        (None, Some(demo)) => demo.interval(),
        (None, None) => pages::last_seven_days(),
    };
    println!("Conversations of {interval}, from {}", org.region());

    // The whole of what this crate asks of a program: a layer around its client.
    let tally = Tally::default();
    let observed = tally.observer();
    let layer = GenesysLayer::new(&org).map_retry(|retry| retry.with_observer(observed));
    let genesys = ServiceBuilder::new().layer(layer).service(client);

    let mut report = Report::default();
    let mut pages = Pages::new(genesys, &org, interval, tally.clone())?;
    let total = pages.total().await?;
    let progress = Progress::new(total);
    while let Some(page) = pages.next().await? {
        report.add(&page);
        progress.set(report.conversations());
    }
    progress.finish();

    print!("{report}");
    println!("{}", tally.summary(&org));
    Ok(report.is_complete(total))
}
