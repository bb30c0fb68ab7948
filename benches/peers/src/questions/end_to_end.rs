//! How much does the stack cost over real connections? A server on this machine
//! sends back requests of 200 bytes, 32 at a time, over HTTP/1.1 and HTTP/2.
//! The client has one thread, and the server another.
//!
//! The floor also sends a token, which tower-http sets. The bytes of a token
//! have a cost in any stack, above all in HTTP/2, whose header compression may
//! not remember it.

use std::{pin::Pin, time::Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::runtime::Runtime;
use toolkit_http::HttpError;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, util::MapErrLayer};
use tower_genesys::{BoxError, RetryPolicy};
use tower_http::auth::AddAuthorizationLayer;

use super::Counted;
use crate::{
    api::{self, TOKEN},
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    loopback::Server,
    measure::{Case, Effort, Rounds, interleave, nanoseconds},
    peers::{cf_gears, ours, reqwest_stack, runtime, tower_retry},
    section::{Goal, Section},
};

const BARE: &str = "hyper-util's client, without a token";
const FLOOR: &str = "hyper-util's client, a fixed token set";
const OURS: &str = "`GenesysLayer`";
const UNTIMED: &str = "`GenesysLayer`, no time-out for attempts";
const RETRY: &str = "tower `Retry` over `AddAuthorization`";
const CF_GEARS: &str = "cf-gears-toolkit-auth's layer";
const REQWEST_FLOOR: &str = "reqwest, bare";
const REQWEST: &str = "reqwest-middleware, reqwest-retry, bearer";
const NAMES: [&str; 8] = [
    BARE,
    FLOOR,
    OURS,
    UNTIMED,
    RETRY,
    CF_GEARS,
    REQWEST_FLOOR,
    REQWEST,
];
const IN_FLIGHT: u32 = 32;

#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

/// Sends this many requests, reads each response to its end, and returns how
/// many had status 200.
type Send<'a> = Box<dyn Fn(u32) -> Pin<Box<dyn Future<Output = u32> + 'a>> + 'a>;

fn hyper_client<B>(version: Version) -> Client<HttpConnector, B>
where
    B: http_body::Body + std::marker::Send,
    B::Data: std::marker::Send,
{
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut builder = Client::builder(TokioExecutor::new());
    if let Version::Http2 = version {
        builder.http2_only(true);
    }
    builder.build(connector)
}

/// A client without a connection.
pub fn http1_client<B>() -> Client<HttpConnector, B>
where
    B: http_body::Body + std::marker::Send,
    B::Data: std::marker::Send,
{
    hyper_client(Version::Http1)
}

fn sender<'a, S, R>(service: S, uri: &Uri) -> Send<'a>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + 'a,
    R: http_body::Body,
{
    let uri = uri.clone();
    Box::new(move |times| {
        let in_flight = (0..IN_FLIGHT).map(|_| {
            let (mut service, uri) = (service.clone(), uri.clone());
            async move {
                let mut good = 0;
                for _ in 0..times / IN_FLIGHT {
                    let Ok(ready) = service.ready().await else {
                        break;
                    };
                    let answer = ready.call(api::with_headers(uri.clone())).await;
                    let Ok(response) = answer else { break };
                    let status = response.status();
                    let read = response.into_body().collect().await;
                    good += u32::from(status == 200 && read.is_ok());
                }
                good
            }
        });
        let in_flight = join_all(in_flight);
        Box::pin(async move { in_flight.await.into_iter().sum() })
    })
}

fn reqwest_sender<'a, F, Fut, E>(url: &Uri, execute: F) -> Send<'a>
where
    F: Fn(reqwest::Request) -> Fut + Clone + 'a,
    Fut: Future<Output = Result<reqwest::Response, E>>,
{
    let url: url::Url = url.to_string().parse().expect("a URL");
    Box::new(move |times| {
        let in_flight = (0..IN_FLIGHT).map(|_| {
            let (execute, url) = (execute.clone(), url.clone());
            async move {
                let mut good = 0;
                for _ in 0..times / IN_FLIGHT {
                    let mut request = reqwest::Request::new(http::Method::POST, url.clone());
                    request.headers_mut().extend(api::headers());
                    *request.body_mut() = Some(vec![b'x'; 200].into());
                    let Ok(response) = execute(request).await else {
                        break;
                    };
                    let status = response.status();
                    good += u32::from(status == 200 && response.bytes().await.is_ok());
                }
                good
            }
        });
        let in_flight = join_all(in_flight);
        Box::pin(async move { in_flight.await.into_iter().sum() })
    })
}

fn senders(runtime: &Runtime, version: Version) -> Vec<(&'static str, Send<'static>)> {
    let issuer = Issuer::default();
    let server = Server::start(issuer.clone());
    let uri: Uri = server.api_url().parse().expect("a URI");
    let tokens = runtime.block_on(ours::tokens(&issuer));
    let ours = ours::loopback_layer(tokens, &server.authority());
    let policy = RetryPolicy::new().without_attempt_timeout();
    let untimed = ours.clone().map_retry(|retry| retry.with_policy(policy));
    let fixed = AddAuthorizationLayer::bearer(TOKEN);
    let retry = ServiceBuilder::new()
        .layer(tower_retry::layer())
        .layer(fixed.clone());
    let cf_gears = ServiceBuilder::new()
        .layer(cf_gears::layer(runtime.block_on(cf_gears::tokens(server))))
        .layer(MapErrLayer::new(|error| {
            HttpError::Transport(BoxError::from(error))
        }));
    let builder = reqwest::Client::builder().no_proxy().tcp_nodelay(true);
    let builder = match version {
        Version::Http1 => builder.http1_only(),
        Version::Http2 => builder.http2_prior_knowledge(),
    };
    let client = builder.build().expect("a client");
    let stack = reqwest_stack::client(client.clone(), TOKEN, None);
    vec![
        (BARE, sender(hyper_client(version), &uri)),
        (FLOOR, sender(fixed.layer(hyper_client(version)), &uri)),
        (UNTIMED, sender(untimed.layer(hyper_client(version)), &uri)),
        (OURS, sender(ours.layer(hyper_client(version)), &uri)),
        (RETRY, sender(retry.service(hyper_client(version)), &uri)),
        (
            CF_GEARS,
            sender(cf_gears.service(hyper_client(version)), &uri),
        ),
        (
            REQWEST_FLOOR,
            reqwest_sender(&uri, move |request| client.execute(request)),
        ),
        (
            REQWEST,
            reqwest_sender(&uri, move |request| {
                let stack = stack.clone();
                async move { stack.execute(request).await }
            }),
        ),
    ]
}

/// Thousands of requests a second.
fn measure(version: Version, effort: Effort) -> Rounds {
    let runtime = runtime(0);
    let times = effort.repeat(4_000).next_multiple_of(IN_FLIGHT);
    let senders = senders(&runtime, version);
    let cases = senders.iter().map(|(name, send)| {
        let runtime = &runtime;
        Case::new(name, move || {
            let start = Instant::now();
            let good = runtime.block_on(send(times));
            assert_eq!(good, times, "{name}");
            f64::from(times) * 1e6 / nanoseconds(start.elapsed())
        })
    });
    interleave(cases.collect(), effort.rounds)
}

pub fn counts(_meter: Meter) -> Vec<Count> {
    let count = |version, label: &str| {
        let runtime = runtime(0);
        let senders = senders(&runtime, version);
        let count = |(name, send): &(&str, Send<'_>)| {
            let what = format!("64 requests over {label}: answers, {name}");
            Count::new(
                what,
                runtime.block_on(send(64)).into(),
                Expected::Exactly(64),
            )
        };
        senders.iter().map(count).collect::<Vec<_>>()
    };
    let mut counts = count(Version::Http1, "HTTP/1.1");
    counts.extend(count(Version::Http2, "HTTP/2"));
    counts
}

pub fn sample(effort: Effort) -> Vec<Rounds> {
    let versions = [Version::Http1, Version::Http2];
    versions.map(|version| measure(version, effort)).into()
}

pub fn table(rounds: &[Rounds], _counted: &Counted) -> Section {
    let row = |name: &str| {
        let floor = if name.contains("reqwest") {
            REQWEST_FLOOR
        } else {
            FLOOR
        };
        let cells = rounds
            .iter()
            .flat_map(|rounds| [rounds.of(name).show(1), rounds.ratio(name, floor).show(3)]);
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let goals = rounds
        .iter()
        .zip(["HTTP/1.1", "HTTP/2"])
        .map(|(rounds, label)| {
            let ratio = rounds.ratio(OURS, RETRY);
            let text =
                format!("{label}: at least 0.955 of tower's `Retry` over `AddAuthorization`");
            let untimed = rounds.ratio(UNTIMED, RETRY);
            Goal::new(text, ratio.show(3), ratio.median >= 0.955).against(format!(
                "the timer of an attempt is most of it: {} without",
                untimed.show(3)
            ))
        });
    Section {
        name: "end_to_end",
        columns: vec![
            "thousand requests a second",
            "HTTP/1.1",
            "of its floor",
            "HTTP/2",
            "of its floor",
        ],
        rows: NAMES.map(row).into(),
        goals: goals.collect(),
    }
}
