//! Does a request cost the same after a million others, and with ten thousand
//! organisations?
//!
//! Every request has its own path, with an id in it. The floor for
//! organisations is a vector of arc-swaps, one of which is loaded into the
//! header: memory beyond the size of the caches is slower in any stack.

use std::{cell::Cell, sync::Arc};

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Uri, header::AUTHORIZATION};
use http_body_util::Full;
use tokio::runtime::Runtime;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_genesys::{GenesysLayer, GenesysService, Org};

use super::Counted;
use crate::{
    api::{self, Api, HOST, TOKEN},
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    measure::{Case, Effort, Rounds, interleave},
    peers::{ours, runtime},
    section::{Goal, Section},
};

const FLOOR: &str = "bare service";
const FRESH: &str = "`GenesysLayer`, its first requests";
const USED: &str = "`GenesysLayer`, after 1,000,000 requests";
const MILLION: u32 = 1_000_000;
/// The numbers of organisations, with the names of the floor and of the stack.
const ORGS: [(u32, &str, &str); 3] = [
    (1, "1 token, arc-swap", "1 organisation"),
    (100, "100 tokens, arc-swap", "100 organisations"),
    (10_000, "10,000 tokens, arc-swap", "10,000 organisations"),
];

/// The names of the floor and of the stack whose cache lines are counted.
pub const MANY: [&str; 2] = [ORGS[2].1, ORGS[2].2];

/// A GET of one of many resources.
fn request(number: u32) -> Request<Full<Bytes>> {
    let uri =
        format!("https://{HOST}/api/v2/conversations/{number:08x}-0000-4000-8000-000000000000");
    let mut request = api::with_headers(Uri::try_from(uri).expect("a URI"));
    *request.method_mut() = http::Method::GET;
    request
}

fn send<S: Service<Request<Full<Bytes>>>>(service: &mut S, request: Request<Full<Bytes>>) {
    let ready = service.ready().now_or_never();
    let Some(Ok(service)) = ready else {
        panic!("the API is always ready")
    };
    let sent = service.call(request).now_or_never();
    assert!(
        sent.is_some_and(|sent| sent.is_ok()),
        "the API answers at once"
    );
}

fn send_all<S: Service<Request<Full<Bytes>>>>(service: &mut S, first: &Cell<u32>, times: u32) {
    for number in first.get()..first.get() + times {
        send(service, request(number));
    }
    first.set(first.get() + times);
}

fn genesys(runtime: &Runtime) -> GenesysService<Api<BoxError>> {
    let tokens = runtime.block_on(ours::tokens(&Issuer::default()));
    ours::layer(tokens).layer(Api::new())
}

/// This many organisations, each with its own token.
pub fn orgs(runtime: &Runtime, number: u32) -> Vec<Org> {
    let issuer = Issuer::default();
    let org = |_| ours::org(runtime.block_on(ours::tokens(&issuer)));
    (0..number).map(org).collect()
}

/// Sends one request as each organisation in turn.
fn as_each_org(
    service: &mut GenesysService<Api<BoxError>>,
    orgs: &[Org],
    next: &mut usize,
    times: u32,
) {
    for _ in 0..times {
        *next = (*next + STRIDE) % orgs.len();
        let mut request = request(0);
        request.extensions_mut().insert(orgs[*next].clone());
        send(service, request);
    }
}

/// A prime, so that memory is not visited in the order of its allocation.
const STRIDE: usize = 7919;

fn as_each_token(
    service: &mut Api<BoxError>,
    tokens: &[Arc<ArcSwap<HeaderValue>>],
    next: &mut usize,
    times: u32,
) {
    for _ in 0..times {
        *next = (*next + STRIDE) % tokens.len();
        let mut request = request(0);
        let token = Arc::clone(&tokens[*next]);
        let value = HeaderValue::clone(&token.load());
        request.headers_mut().insert(AUTHORIZATION, value);
        request.extensions_mut().insert(token);
        send(service, request);
    }
}

/// A separate header value, as each organisation has one: with its own bytes
/// and its own reference count.
fn token() -> HeaderValue {
    // The first clone creates the reference count.
    let value = Bytes::copy_from_slice(TOKEN.as_bytes()).clone();
    HeaderValue::from_maybe_shared(value).expect("tokens are visible ASCII")
}

pub fn counts(meter: Meter) -> Vec<Count> {
    let runtime = runtime(0);
    let mut service = genesys(&runtime);
    let number = Cell::new(0);
    send_all(&mut service, &number, 1000);
    let kept = meter(&mut || send_all(&mut service, &number, 100_000)).kept;
    let mut counts = vec![Count::new(
        "100,000 requests with a path each: bytes kept",
        kept.unsigned_abs(),
        Expected::Exactly(0),
    )];
    let (many, ..) = ORGS[2];
    let built = orgs(&runtime, many);
    let layer = GenesysLayer::new(&built[0]);
    let mut service = layer.layer(Api::<BoxError>::new());
    let mut next = 0;
    as_each_org(&mut service, &built, &mut next, many);
    let kept = meter(&mut || as_each_org(&mut service, &built, &mut next, 10 * many)).kept;
    let what = "100,000 requests by 10,000 organisations: bytes kept";
    counts.push(Count::new(what, kept.unsigned_abs(), Expected::Exactly(0)));
    counts
}

pub fn sample(effort: Effort) -> Vec<Rounds> {
    let runtime = runtime(0);
    vec![requests(&runtime, effort), organisations(&runtime, effort)]
}

fn requests(runtime: &Runtime, effort: Effort) -> Rounds {
    let times = effort.repeat(10_000);
    let number = Cell::new(0);
    let mut used = genesys(runtime);
    send_all(&mut used, &number, MILLION);
    let cases = vec![
        Case::each(FLOOR, times, |times| {
            send_all(&mut Api::<BoxError>::new(), &Cell::new(0), times);
        }),
        Case::new(FRESH, || {
            let mut service = genesys(runtime);
            let mut first = Case::each(FRESH, times, |times| {
                send_all(&mut service, &Cell::new(0), times);
            });
            first.take()
        }),
        Case::each(USED, times, |times| send_all(&mut used, &number, times)),
    ];
    interleave(cases, effort.rounds)
}

fn organisations(runtime: &Runtime, effort: Effort) -> Rounds {
    let times = effort.repeat(10_000);
    let mut cases = Vec::new();
    for (number, floor, name) in ORGS {
        cases.push(Case::each(floor, times, each_token(number)));
        cases.push(Case::each(name, times, each_org(runtime, number)));
    }
    interleave(cases, effort.rounds)
}

/// Sends requests with this many tokens in turn.
fn each_token(number: u32) -> impl FnMut(u32) {
    let tokens = (0..number).map(|_| Arc::new(ArcSwap::from_pointee(token())));
    let tokens: Vec<_> = tokens.collect();
    let mut next = 0;
    move |times| as_each_token(&mut Api::new(), &tokens, &mut next, times)
}

/// Sends requests as this many organisations in turn.
fn each_org(runtime: &Runtime, number: u32) -> impl FnMut(u32) + use<> {
    let orgs = orgs(runtime, number);
    let mut service = GenesysLayer::new(&orgs[0]).layer(Api::<BoxError>::new());
    let mut next = 0;
    move |times| as_each_org(&mut service, &orgs, &mut next, times)
}

/// Sends this many requests through the stack with this name, to count them.
pub fn repeat(name: &str, times: u32) -> bool {
    for (number, floor, stack) in ORGS {
        if name == floor {
            each_token(number)(times);
            return true;
        }
        if name == stack {
            each_org(&runtime(0), number)(times);
            return true;
        }
    }
    false
}

pub fn table(measured: &[Rounds], _counted: &Counted) -> Section {
    let [requests, organisations] = measured else {
        panic!("two parts")
    };
    let row = |name: &str| {
        let added = requests.added(name, FLOOR).show(0);
        vec![name.into(), requests.of(name).show(0), added]
    };
    let mut rows: Vec<_> = requests.names().map(row).collect();
    rows.extend(ORGS.iter().flat_map(|(_, floor, name)| {
        let added = organisations.added(name, floor).show(0);
        [
            vec![(*floor).into(), organisations.of(floor).show(0), "".into()],
            vec![(*name).into(), organisations.of(name).show(0), added],
        ]
    }));

    let [(_, one_floor, one), _, (_, many_floor, many)] = ORGS;
    let more = organisations.each_round(|of| of(many) - of(many_floor) - (of(one) - of(one_floor)));
    let used = requests.ratio(USED, FRESH);
    Section {
        name: "growth",
        columns: vec!["", "ns for a request", "added over its floor"],
        rows,
        goals: vec![
            Goal::new(
                "after 1,000,000 requests at most 1.1 × of the first",
                format!("{} ×", used.show(2)),
                used.median <= 1.1,
            ),
            Goal::new(
                "10,000 organisations: adds at most 300 ns more than with one",
                format!("{} ns", more.show(0)),
                more.median <= 300.0,
            )
            .against(
                "3.3 lines of memory that no cache holds (counted below `instructions`), at 100 to 200 ns",
            ),
        ],
    }
}
