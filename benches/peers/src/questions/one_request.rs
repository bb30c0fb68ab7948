//! What does a layer add to one request? In memory: a POST of 200 bytes with
//! five headers.
//!
//! The floor is the same request to a service that drops it and answers. Both
//! include building the request and dropping the response. reqwest has other
//! request types, and a separate floor.

mod slots;

use std::task::{Context, Waker};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request};
use http_body_util::Full;
use toolkit_http::HttpError;
use tower::{Layer, Service, ServiceBuilder};
use tower_genesys::{BearerLayer, bearer::Origins};
use tower_http::auth::AddAuthorizationLayer;

use super::Counted;
use crate::{
    api::{self, Api, HOST, QUERY, TOKEN},
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    loopback::Server,
    measure::{Case, Effort, Rounds, interleave},
    peers::{cf_gears, ours, reqwest_stack, runtime, tower_retry},
    section::{Goal, Section},
};

const FLOOR: &str = "bare service";
const REQWEST_FLOOR: &str = "bare reqwest request";
const BEARER: &str = "`BearerLayer`";
const ALL_FOUR: &str = "`GenesysLayer`, all four layers";
const ADD: &str = "tower-http `AddAuthorization`";
const RETRY: &str = "tower `Retry` over `AddAuthorization`";
const CF_GEARS: &str = "cf-gears-toolkit-auth (no retry)";
const REQWEST: &str = "reqwest-middleware, reqwest-retry, bearer";
const WITH_ORG: &str = "`GenesysLayer`, an `Org` in the extensions";
const ADD_WITH_ORG: &str = "tower-http `AddAuthorization`, the same request";

/// A stack that sends requests one after the other.
struct Stack {
    name: &'static str,
    /// All allocations for one request.
    allocations: u64,
    send: Box<dyn FnMut(u32)>,
}

fn stacks() -> Vec<Stack> {
    let mut stacks = tower_stacks();
    stacks.extend([cf_gears_stack(), reqwest_floor(), reqwest_stack()]);
    stacks
}

/// The stacks that need neither a server nor a thread.
fn tower_stacks() -> Vec<Stack> {
    let runtime = runtime(0);
    let tokens = runtime.block_on(ours::tokens(&Issuer::default()));
    let bearer = BearerLayer::new(tokens.clone(), Origins::of_host(HOST).expect("a host"));
    let add = AddAuthorizationLayer::bearer(TOKEN);
    let retry = ServiceBuilder::new()
        .layer(tower_retry::layer())
        .layer(add.clone());
    let org = ours::org(tokens.clone());
    let of_org = move || {
        let mut request = api::request();
        request.extensions_mut().insert(org.clone());
        request
    };
    let four = ours::layer(tokens);
    vec![
        tower(FLOOR, 3, Api::<HttpError>::new()),
        tower(BEARER, 3, bearer.layer(Api::<HttpError>::new())),
        tower(ADD, 3, add.layer(Api::<HttpError>::new())),
        tower(ALL_FOUR, 6, four.layer(Api::<HttpError>::new())),
        tower(RETRY, 6, retry.service(Api::<HttpError>::new())),
        sending(
            ADD_WITH_ORG,
            6,
            add.layer(Api::<HttpError>::new()),
            of_org.clone(),
        ),
        sending(WITH_ORG, 12, four.layer(Api::<HttpError>::new()), of_org),
    ]
}

fn tower<S>(name: &'static str, allocations: u64, service: S) -> Stack
where
    S: Service<Request<Full<Bytes>>> + 'static,
{
    sending(name, allocations, service, api::request)
}

fn sending<S>(
    name: &'static str,
    allocations: u64,
    mut service: S,
    request: impl Fn() -> Request<Full<Bytes>> + 'static,
) -> Stack
where
    S: Service<Request<Full<Bytes>>> + 'static,
{
    Stack {
        name,
        allocations,
        send: Box::new(move |times| send_times(&mut service, &request, times)),
    }
}

/// Sends requests one after the other. Each is answered at once.
fn send_times<S>(service: &mut S, request: impl Fn() -> Request<Full<Bytes>>, times: u32)
where
    S: Service<Request<Full<Bytes>>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..times {
        assert!(service.poll_ready(&mut cx).is_ready());
        let response = service.call(request()).now_or_never();
        assert!(response.is_some_and(|response| response.is_ok()));
    }
}

fn cf_gears_stack() -> Stack {
    let runtime = runtime(2);
    let server = Server::start(Issuer::default());
    let tokens = runtime.block_on(cf_gears::tokens(server));
    let service = cf_gears::layer(tokens).layer(Api::<HttpError>::new());
    let mut stack = tower(CF_GEARS, 12, service);
    // The renewal runs as a task of this runtime.
    let mut send = stack.send;
    stack.send = Box::new(move |times| {
        let _runtime = runtime.enter();
        send(times);
    });
    stack
}

fn reqwest_request(url: &url::Url) -> reqwest::Request {
    let mut request = reqwest::Request::new(Method::POST, url.clone());
    request.headers_mut().extend(api::headers());
    *request.body_mut() = Some(vec![b'x'; 200].into());
    request
}

fn reqwest_floor() -> Stack {
    let url = QUERY.parse().expect("a URL");
    let send = move |times| {
        for _ in 0..times {
            drop(reqwest_stack::Answer::to(reqwest_request(&url)));
        }
    };
    Stack {
        name: REQWEST_FLOOR,
        allocations: 8,
        send: Box::new(send),
    }
}

fn reqwest_stack() -> Stack {
    let url = QUERY.parse().expect("a URL");
    let answer = Some(reqwest_stack::Answer);
    let client = reqwest_stack::client(reqwest::Client::new(), TOKEN, answer);
    let send = move |times| {
        for _ in 0..times {
            let response = client.execute(reqwest_request(&url)).now_or_never();
            assert!(response.is_some_and(|response| response.is_ok()));
        }
    };
    Stack {
        name: REQWEST,
        allocations: 19,
        send: Box::new(send),
    }
}

fn what(stack: &str) -> String {
    format!("one request: allocations, {stack}")
}

pub fn counts(meter: Meter) -> Vec<Count> {
    let count = |mut stack: Stack| {
        (stack.send)(10);
        let each = 100;
        let times = meter(&mut || (stack.send)(each)).times;
        assert_eq!(
            times % u64::from(each),
            0,
            "{}: not the same for each",
            stack.name
        );
        let expected = Expected::Exactly(stack.allocations);
        Count::new(what(stack.name), times / u64::from(each), expected)
    };
    let of_stacks = stacks().into_iter().map(count);
    of_stacks.chain(slots::counts(meter)).collect()
}

pub fn sample(effort: Effort) -> Vec<Rounds> {
    let times = effort.repeat(20_000);
    let mut stacks = stacks();
    let cases = stacks
        .iter_mut()
        .map(|stack| Case::each(stack.name, times, &mut stack.send));
    vec![interleave(cases.collect(), effort.rounds)]
}

/// Sends this many requests through the stack with this name, to count
/// instructions.
pub fn send(name: &str, times: u32) -> bool {
    let stack = tower_stacks().into_iter().find(|stack| stack.name == name);
    stack.map(|mut stack| (stack.send)(times)).is_some()
}

/// The stacks whose instructions are counted. Each is compared with the first
/// one.
pub const COUNTED: [&str; 5] = [FLOOR, ADD, BEARER, RETRY, ALL_FOUR];

pub fn table(measured: &[Rounds], counted: &Counted) -> Section {
    let [rounds] = measured else {
        panic!("one part")
    };
    let allocations = |name: &str| counted.get(&what(name)).copied().unwrap_or_default();
    let row = |(name, floor): (&str, &str)| {
        let more = allocations(name) - allocations(floor);
        let added = match name == floor {
            true => "".into(),
            false => rounds.added(name, floor).show(0),
        };
        vec![
            name.into(),
            rounds.of(name).show(0),
            added,
            format!("+{more}"),
        ]
    };
    let floors = [
        (FLOOR, &[FLOOR, BEARER, ADD, ALL_FOUR, RETRY, CF_GEARS][..]),
        (ADD_WITH_ORG, &[ADD_WITH_ORG, WITH_ORG]),
        (REQWEST_FLOOR, &[REQWEST_FLOOR, REQWEST]),
    ];
    let rows = floors.into_iter().flat_map(|(floor, names)| {
        let row = |name: &&'static str| row((*name, floor));
        names.iter().map(row).collect::<Vec<_>>()
    });

    let more = |name| allocations(name) - allocations(FLOOR);
    let bearer = rounds.added(BEARER, ADD);
    let four = rounds.each_round(|of| (of(ALL_FOUR) - of(FLOOR)) / (of(RETRY) - of(FLOOR)));
    let org = rounds.added(WITH_ORG, ADD_WITH_ORG);
    let goals = vec![
        Goal::new(
            "`BearerLayer`: no allocation",
            format!("{}", more(BEARER)),
            more(BEARER) == 0,
        ),
        Goal::new(
            "`BearerLayer`: at most 55 ns over `AddAuthorization`",
            format!("{} ns", bearer.show(0)),
            bearer.median <= 55.0,
        )
        .against(
            "of 413 instructions more, 180 read the token and two clocks, 79 check the origin, and most \
             others copy the answer out of a future that looks for a 401",
        ),
        Goal::new(
            "all four: 3 allocations",
            format!("{}", more(ALL_FOUR)),
            more(ALL_FOUR) == 3,
        ),
        Goal::new(
            "all four: add at most 1.25 × what tower's `Retry` over `AddAuthorization` adds",
            format!("{} ×", four.show(2)),
            four.median <= 1.25,
        )
        .against(
            "of 1187 instructions more, 413 are those of `BearerLayer`, and most others move the request \
             and the answer through three futures more",
        ),
        Goal::new(
            "an `Org` in the extensions: at most 290 ns over `AddAuthorization`",
            format!("{} ns", org.show(0)),
            org.median <= 290.0,
        )
        .against("the copy of the extensions allocates three times, which `http` does for each clone"),
    ];
    Section {
        name: "one_request",
        columns: vec!["", "ns", "added over its floor, ns", "allocations added"],
        rows: rows.collect(),
        goals,
    }
}
