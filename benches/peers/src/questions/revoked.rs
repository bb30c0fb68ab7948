//! What does a revoked token cost? Many requests are sent with it and get their 401s: all of them
//! together, spread over time, or once more, when the next token is revoked right after the first.
//!
//! The API is in memory. A token request takes 20 ms everywhere; the peers that insist on HTTP make
//! theirs to a server on this machine.

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
/// Far more than any of them takes.
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

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Outcome {
    posts: u64,
    failures: u64,
    most_sends: u64,
    milliseconds: f64,
}

/// Plays a scene with a client of its own; measured is the last wave of requests.
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
    // That the scenes are hard: what others do in them.
    let again = play(&runtime, Kind::CfGears, Scene::Again, 1000);
    let what = "1000 requests, second revocation, cf-gears-toolkit-auth: failures";
    counts.push(exactly(what.into(), again.failures, 1000));
    let by_hand = play(&runtime, Kind::Swapped, Scene::Spread, 1000);
    let what = "1000 requests, over 150 ms, the best by hand: token POSTs";
    counts.push(exactly(what.into(), by_hand.posts, 1));
    counts
}

pub fn times(effort: Effort, _counted: &Counted) -> Section {
    let runtime = runtime(WORKERS);
    let few = (effort.rounds / 8).max(1);
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for (requests, rounds) in [(1000, effort.rounds), (10_000, effort.rounds / 2)] {
        let contest = contest(&runtime, requests, rounds.max(1));
        goals.extend(contest.goals(requests));
        for kind in Kind::ALL {
            rows.push(match contest.outcomes(kind) {
                Some(outcomes) => row(kind, requests, &outcomes),
                None if requests == 1000 => row(
                    kind,
                    requests,
                    &SCENES.map(|(scene, _)| {
                        (0..few)
                            .map(|_| play(&runtime, kind, scene, requests))
                            .collect()
                    }),
                ),
                None => continue,
            });
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

/// The times of those that are compared by time, and what else came of each round.
struct Contest([(Rounds, Vec<(Kind, Outcome)>); 3]);

const CONTESTANTS: [Kind; 3] = [Kind::Ours, Kind::Swapped, Kind::Queued];

fn contest(runtime: &Runtime, requests: usize, rounds: usize) -> Contest {
    Contest(SCENES.map(|(scene, _)| {
        let outcomes = std::cell::RefCell::new(Vec::new());
        let case = |kind: Kind| {
            let outcomes = &outcomes;
            Case::new(kind.name(), move || {
                let outcome = play(runtime, kind, scene, requests);
                outcomes.borrow_mut().push((kind, outcome));
                outcome.milliseconds
            })
        };
        let rounds = interleave(CONTESTANTS.map(case).into(), rounds);
        (rounds, outcomes.into_inner())
    }))
}

impl Contest {
    fn outcomes(&self, kind: Kind) -> Option<[Vec<Outcome>; 3]> {
        let of = |(_, outcomes): &(Rounds, Vec<(Kind, Outcome)>)| {
            let mine = outcomes.iter().filter(|(of, _)| *of == kind);
            mine.map(|(_, outcome)| *outcome).collect()
        };
        CONTESTANTS
            .contains(&kind)
            .then(|| self.0.each_ref().map(of))
    }

    fn goals(&self, requests: usize) -> [Goal; 2] {
        let mine = self.outcomes(Kind::Ours).unwrap_or_default().concat();
        let most = |number: fn(&Outcome) -> u64| mine.iter().map(number).max().unwrap_or(u64::MAX);
        let most = [
            most(|it| it.posts),
            most(|it| it.failures),
            most(|it| it.most_sends),
        ];
        let by_hand = [Kind::Swapped, Kind::Queued].map(Kind::name);
        let ratio = self.0.each_ref().map(|(rounds, _)| {
            let best = by_hand.map(|name| rounds.of(name).median);
            let best = if best[0] < best[1] {
                by_hand[0]
            } else {
                by_hand[1]
            };
            rounds.ratio(Kind::Ours.name(), best).median
        });
        let [posts, failures, sends] = most;
        [
            Goal::new(
                format!("{requests} requests: 1 token POST, 0 failures, at most 2 sends each"),
                format!("{posts} POST, {failures} failures, {sends} sends"),
                most == [1, 0, 2],
            ),
            Goal::new(
                format!("{requests} requests: at most 1.1 × the time of the best by hand"),
                format!("{} ×", ratio.map(|ratio| format!("{ratio:.2}")).join(", ")),
                ratio.iter().all(|ratio| *ratio <= 1.1),
            ),
        ]
    }
}

fn row(kind: Kind, requests: usize, scenes: &[Vec<Outcome>; 3]) -> Vec<String> {
    let mut row = vec![kind.name().into(), requests.to_string()];
    row.extend(scenes.iter().map(|outcomes| show(outcomes)));
    row
}

fn show(outcomes: &[Outcome]) -> String {
    let range = |number: fn(&Outcome) -> u64| {
        let least = outcomes.iter().map(number).min().unwrap_or_default();
        let most = outcomes.iter().map(number).max().unwrap_or_default();
        if least == most {
            format!("{most}")
        } else {
            format!("{least} to {most}")
        }
    };
    let mut times: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.milliseconds)
        .collect();
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let [posts, failures] = [range(|it| it.posts), range(|it| it.failures)];
    let sends = range(|it| it.most_sends);
    format!("{posts} POSTs, {failures} failures, {sends} sends, {median:.0} ms")
}
