//! What does a revoked token cost? Many requests have that token and get their
//! 401s: all together, spread over time, or again because the next token is
//! revoked right after the first.
//!
//! The API is in memory. A token request takes 20 ms for every client. Peers
//! that require HTTP send it to a server on this machine.

mod api;
mod clients;

use std::time::{Duration, Instant};

use api::{Arrival, Revocable};
use clients::{Client, Kind};
use futures_util::future::join_all;
use http::StatusCode;
use tokio::{runtime::Runtime, time::timeout};

use super::Counted;
use crate::{
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    loopback::Server,
    measure::{Case, Effort, Rounds, interleave, nanoseconds},
    peers::runtime,
    section::{Goal, Section},
};

const TOKEN_REQUEST: Duration = Duration::from_millis(20);
const SPREAD: Duration = Duration::from_millis(150);
/// A client that takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq)]
enum Scene {
    Together,
    Spread,
    Again,
}

const SCENES: [(Scene, &str); 3] = [
    (Scene::Together, "401s together"),
    (Scene::Spread, "over 150 ms"),
    (Scene::Again, "second revocation"),
];

/// The outcome of a scene.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Outcome {
    posts: u64,
    failures: u64,
    most_sends: u64,
    milliseconds: f64,
}

/// Plays a scene with a new client, and measures the last wave of requests.
fn play(runtime: &Runtime, kind: Kind, scene: Scene, requests: usize) -> Outcome {
    let issuer = Issuer::default();
    let server = kind.needs_server().then(|| Server::start(issuer.clone()));
    let api = Revocable::new(issuer.clone(), requests);
    runtime.block_on(async {
        let client = clients::build(kind, &issuer, server, &api).await;
        issuer.answer_after(TOKEN_REQUEST);
        if scene == Scene::Again {
            wave(&issuer, &api, &client, Arrival::Together, requests).await;
        }
        let arrival = match scene {
            Scene::Spread => Arrival::Over(SPREAD),
            _ => Arrival::Together,
        };
        wave(&issuer, &api, &client, arrival, requests).await
    })
}

async fn wave(
    issuer: &Issuer,
    api: &Revocable,
    client: &Client,
    arrival: Arrival,
    requests: usize,
) -> Outcome {
    issuer.revoke_all();
    api.begin(arrival);
    let posts = issuer.issued();
    let start = Instant::now();
    let sent = (0..requests).map(|id| tokio::spawn(client(id)));
    let answers = timeout(HANGS, join_all(sent))
        .await
        .expect("no client hangs");
    let time = start.elapsed();
    let failed = |answer: &Result<StatusCode, _>| !matches!(answer, Ok(StatusCode::OK));
    Outcome {
        posts: issuer.issued() - posts,
        failures: answers.iter().filter(|answer| failed(answer)).count() as u64,
        most_sends: api.most_sends(),
        milliseconds: nanoseconds(time) / 1e6,
    }
}

const WORKERS: usize = 2;

pub fn counts(_meter: Meter) -> Vec<Count> {
    let runtime = runtime(WORKERS);
    let exactly =
        |what: String, value, expected| Count::new(what, value, Expected::Exactly(expected));
    let mut counts = Vec::new();
    for (scene, name) in SCENES {
        let outcome = play(&runtime, Kind::Ours, scene, 1000);
        let what = |what| format!("1000 requests on a revoked token, {name}: {what}");
        counts.push(exactly(what("token POSTs"), outcome.posts, 1));
        counts.push(exactly(what("failures"), outcome.failures, 0));
        counts.push(exactly(what("most sends"), outcome.most_sends, 2));
    }
    // The results of other clients show that the scenes are hard.
    let again = play(&runtime, Kind::CfGears, Scene::Again, 1000);
    let what = "1000 requests, second revocation, cf-gears-toolkit-auth: failures";
    counts.push(exactly(what.into(), again.failures, 1000));
    let by_hand = play(&runtime, Kind::Swapped, Scene::Spread, 1000);
    let what = "1000 requests, over 150 ms, the best by hand: token POSTs";
    counts.push(exactly(what.into(), by_hand.posts, 1));
    counts
}

/// The clients whose times are compared.
const CONTESTANTS: [Kind; 3] = [Kind::Ours, Kind::Swapped, Kind::Queued];

/// The numbers of requests, and the clients that send them.
const SIZES: [(usize, &[Kind]); 2] = [(1000, &Kind::ALL), (10_000, &CONTESTANTS)];

/// Returns a part for each size, each scene, and each number of an [`Outcome`].
pub fn sample(effort: Effort) -> Vec<Rounds> {
    let runtime = runtime(WORKERS);
    let mut parts = Vec::new();
    for (requests, kinds) in SIZES {
        for (scene, _) in SCENES {
            let mut outcomes = contest(&runtime, scene, requests, effort.rounds);
            for kind in kinds.iter().filter(|kind| !CONTESTANTS.contains(kind)) {
                outcomes.push((*kind, vec![play(&runtime, *kind, scene, requests)]));
            }
            parts.extend(Outcome::into_parts(&outcomes));
        }
    }
    parts
}

/// The outcomes of the compared clients, by rounds.
fn contest(
    runtime: &Runtime,
    scene: Scene,
    requests: usize,
    rounds: usize,
) -> Vec<(Kind, Vec<Outcome>)> {
    let mut outcomes = CONTESTANTS.map(|kind| (kind, Vec::new()));
    let cases = outcomes.iter_mut().map(|(kind, outcomes)| {
        let kind = *kind;
        Case::new(kind.name(), move || {
            let outcome = play(runtime, kind, scene, requests);
            outcomes.push(outcome);
            outcome.milliseconds
        })
    });
    interleave(cases.collect(), rounds);
    // The first round warms up.
    let measured = |(kind, outcomes): (Kind, Vec<_>)| (kind, outcomes[1..].to_vec());
    outcomes.map(measured).into()
}

impl Outcome {
    const NUMBERS: [fn(&Self) -> f64; 4] = [
        |it| it.milliseconds,
        |it| it.posts as f64,
        |it| it.failures as f64,
        |it| it.most_sends as f64,
    ];

    fn into_parts(outcomes: &[(Kind, Vec<Self>)]) -> [Rounds; 4] {
        Self::NUMBERS.map(|number| {
            let of = |(kind, outcomes): &(Kind, Vec<Self>)| {
                let numbers = outcomes.iter().map(number).collect();
                (kind.name().to_owned(), numbers)
            };
            Rounds(outcomes.iter().map(of).collect())
        })
    }
}

pub fn table(measured: &[Rounds], _counted: &Counted) -> Section {
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    let sizes = measured.chunks_exact(SCENES.len() * Outcome::NUMBERS.len());
    for ((requests, kinds), scenes) in SIZES.into_iter().zip(sizes) {
        goals.extend(goals_of(requests, scenes));
        for kind in kinds {
            let mut row = vec![kind.name().into(), requests.to_string()];
            row.extend(scenes.chunks_exact(4).map(|scene| show(scene, *kind)));
            rows.push(row);
        }
    }
    Section {
        name: "revoked",
        columns: vec![
            "",
            "requests",
            "401s together",
            "over 150 ms",
            "second revocation",
        ],
        rows,
        goals,
    }
}

fn goals_of(requests: usize, scenes: &[Rounds]) -> [Goal; 2] {
    let ours = Kind::Ours.name();
    let most = |number: usize| {
        let scenes = scenes.chunks_exact(4);
        let all = scenes.flat_map(|scene| scene[number].samples(ours));
        all.copied().fold(0.0, f64::max)
    };
    let [posts, failures, sends] = [1, 2, 3].map(most);
    let ratios = scenes.chunks_exact(4).map(|scene| {
        let by_hand = [Kind::Swapped, Kind::Queued].map(Kind::name);
        let time = |name: &&str| scene[0].of(name).median;
        let best = by_hand
            .into_iter()
            .min_by(|one, other| time(one).total_cmp(&time(other)));
        scene[0].ratio(ours, best.unwrap_or(ours)).median
    });
    let ratios: Vec<_> = ratios.collect();
    let shown: Vec<_> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    [
        Goal::new(
            format!("{requests} requests: 1 token POST, 0 failures, at most 2 sends each"),
            format!("{posts} POST, {failures} failures, {sends} sends"),
            [posts, failures, sends] == [1.0, 0.0, 2.0],
        ),
        Goal::new(
            format!("{requests} requests: at most 1.15 × the time of the best by hand"),
            format!("{} ×", shown.join(", ")),
            ratios.iter().all(|ratio| *ratio <= 1.15),
        )
        .against(
            "the copy of each request is held while its burst waits, and the scheduler of two threads \
             decides: runs differ by 0.05 ×",
        ),
    ]
}

fn show(scene: &[Rounds], kind: Kind) -> String {
    let range = |number: usize| {
        let samples = scene[number].samples(kind.name());
        let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = samples.iter().copied().fold(0.0, f64::max);
        match least == most {
            true => format!("{most}"),
            false => format!("{least} to {most}"),
        }
    };
    let time = scene[0].of(kind.name()).median;
    let [posts, failures, sends] = [1, 2, 3].map(range);
    format!("{posts} POSTs, {failures} failures, {sends} sends, {time:.0} ms")
}
