//! What does a body of 1 MiB cost that comes in frames of 64 KiB? Time, and the
//! most bytes held at a time. Each frame is filled on request, and dropped by
//! the service.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_genesys::{BoxError, GenesysLayer, ReplayLayer};

use super::Counted;
use crate::{
    api::{QUERY, TOKEN},
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    measure::{Case, Effort, Rounds, interleave},
    peers::{ours, reqwest_stack, runtime, tower_retry},
    section::{Goal, Section},
};

const FLOOR: &str = "bare stream";
const COLLECT: &str = "collected, then tower `Retry`";
const KEPT: &str = "`GenesysLayer`, kept: 1 MiB, within its cap";
const BY_HAND: &str = "each frame kept in a vector, nothing else";
const OVER: &str = "`GenesysLayer`, length unknown: kept up to 64 KiB";
const TOO_LONG: &str = "`GenesysLayer`, known to be over the cap: not kept";

const FRAME: usize = 64 * 1024;
const FRAMES: usize = 16;
const KIB: u64 = 1024;

/// A stream whose frames are created during the send.
#[derive(Clone)]
struct Frames {
    left: usize,
    says_length: bool,
}

impl Frames {
    const fn new(says_length: bool) -> Self {
        let left = FRAMES;
        Self { left, says_length }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        let frame = Bytes::from(vec![left as u8; FRAME]);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        match self.says_length {
            true => SizeHint::with_exact((self.left * FRAME) as u64),
            false => SizeHint::new(),
        }
    }
}

/// Reads all frames, one after the other.
async fn take<B>(request: Request<B>) -> Result<Response<Empty<Bytes>>, BoxError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut body = request.into_body();
    let mut taken = 0;
    while let Some(frame) = body.frame().await {
        taken += frame.map_err(Into::into)?.data_ref().map_or(0, Bytes::len);
    }
    assert_eq!(taken, FRAME * FRAMES);
    Ok(Response::new(Empty::new()))
}

/// The same, keeping the frames: the least cost of a body that can be resent.
async fn keep(request: Request<Frames>) -> Result<Response<Empty<Bytes>>, BoxError> {
    let mut body = request.into_body();
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        kept.extend(frame?.data_ref().cloned());
    }
    assert_eq!(kept.len(), FRAMES);
    Ok(Response::new(Empty::new()))
}

fn request<B>(body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static(QUERY);
    request
}

fn upload<B>(service: impl Service<Request<B>, Error = BoxError>, body: B) {
    let sent = service.oneshot(request(body)).now_or_never();
    assert!(
        sent.is_some_and(|sent| sent.is_ok()),
        "everything is ready at once"
    );
}

struct Stack {
    name: &'static str,
    /// The limit of the bytes held in all.
    goal: u64,
    upload: Box<dyn FnMut()>,
}

fn stacks() -> [Stack; 6] {
    let tokens = runtime(0).block_on(ours::tokens(&Issuer::default()));
    let layer = ours::layer(tokens);
    let half = ReplayLayer::new().with_known_cap(FRAME * FRAMES / 2);
    let too_long = layer.clone().with_replay(half);
    let genesys = |layer: GenesysLayer, says_length| {
        move || upload(layer.layer(service_fn(take)), Frames::new(says_length))
    };
    let stack = |name, goal: u64, upload: Box<dyn FnMut()>| Stack {
        name,
        goal: goal * KIB,
        upload,
    };
    let retry = tower_retry::layer();
    [
        stack(
            FLOOR,
            65,
            Box::new(|| upload(service_fn(take), Frames::new(true))),
        ),
        stack(
            BY_HAND,
            1026,
            Box::new(|| upload(service_fn(keep), Frames::new(true))),
        ),
        stack(
            COLLECT,
            2050,
            Box::new(move || {
                let body = Frames::new(true).collect().now_or_never();
                let body = body
                    .and_then(Result::ok)
                    .expect("it is all there")
                    .to_bytes();
                upload(retry.layer(service_fn(take)), Full::new(body));
            }),
        ),
        stack(KEPT, 1026, Box::new(genesys(layer.clone(), true))),
        stack(OVER, 64 + 128, Box::new(genesys(layer, false))),
        stack(TOO_LONG, 128, Box::new(genesys(too_long, true))),
    ]
}

fn what(stack: &str) -> String {
    format!("1 MiB in 64 KiB frames: most bytes held, {stack}")
}

pub fn counts(meter: Meter) -> Vec<Count> {
    let count = |mut stack: Stack| {
        (stack.upload)();
        let peak = meter(&mut stack.upload).peak;
        Count::new(what(stack.name), peak, Expected::AtMost(stack.goal))
    };
    let mut counts: Vec<_> = stacks().into_iter().map(count).collect();
    let refused = Expected::Exactly(1);
    let what = "a stream through reqwest-retry: refused";
    counts.push(Count::new(what, reqwest_refuses().into(), refused));
    counts
}

/// Whether reqwest-retry refuses to send a stream at all.
fn reqwest_refuses() -> bool {
    let answer = Some(reqwest_stack::Answer);
    let client = reqwest_stack::client(reqwest::Client::new(), TOKEN, answer);
    let url = QUERY.parse().expect("a URL");
    let mut request = reqwest::Request::new(Method::POST, url);
    *request.body_mut() = Some(reqwest::Body::wrap(Frames::new(true)));
    let sent = client.execute(request).now_or_never();
    sent.is_some_and(|sent| sent.is_err())
}

pub fn sample(effort: Effort) -> Vec<Rounds> {
    // From now on, glibc's allocator keeps freed memory, as in a process that
    // has run for a while. Otherwise it would return each mebibyte to the
    // system, and most of the time would be page faults.
    drop(std::hint::black_box(vec![1_u8; 24 * 1024 * 1024]));
    let times = effort.repeat(100);
    let mut stacks = stacks();
    let cases = stacks.iter_mut().map(|stack| {
        Case::each(stack.name, times, |times| {
            (0..times).for_each(|_| (stack.upload)())
        })
    });
    vec![interleave(cases.collect(), effort.rounds)]
}

pub fn table(measured: &[Rounds], counted: &Counted) -> Section {
    let [rounds] = measured else {
        panic!("one part")
    };
    let held = |name: &str| counted.get(&what(name)).copied().unwrap_or(u64::MAX);
    let row = |name: &str| {
        let time = rounds.of(name).scaled(1e-3).show(1);
        let ratio = rounds.ratio(name, FLOOR).show(2);
        vec![
            name.into(),
            time,
            ratio,
            held(name).div_ceil(KIB).to_string(),
        ]
    };
    let mut rows: Vec<_> = rounds.names().map(row).collect();
    rows.push(
        ["reqwest-middleware with reqwest-retry", "refused", "", ""]
            .map(Into::into)
            .into(),
    );
    let time = |name, most: f64, (floor, floor_name)| {
        let ratio = rounds.ratio(name, floor);
        let text = format!("{name}: at most {most} × the time of {floor_name}");
        Goal::new(text, format!("{} ×", ratio.show(2)), ratio.median <= most)
            .against("keeping a frame takes 780 instructions, under three locks")
    };
    let memory = |name, most: u64| {
        let text = format!("{name}: at most {most} KiB held");
        let held = held(name);
        Goal::new(
            text,
            format!("{} KiB", held.div_ceil(KIB)),
            held <= most * KIB,
        )
    };
    Section {
        name: "upload",
        columns: vec!["", "µs", "of the bare stream", "KiB held"],
        rows,
        goals: vec![
            time(KEPT, 1.2, (BY_HAND, "the vector by hand")),
            memory(KEPT, 1026),
            time(OVER, 1.15, (FLOOR, "the bare stream")),
            memory(OVER, 192),
        ],
    }
}
