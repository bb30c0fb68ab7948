//! How fast is a valid token returned if many tasks ask for it at the same
//! time? On two threads, up to the value of the `Authorization` header.

use std::{future::Future, hint::black_box, sync::Arc};

use http::HeaderValue;
use tokio::runtime::Runtime;
use tower_genesys::{
    TokenCache,
    token::{AccessToken, TokenProvider as _},
};

use super::Counted;
use crate::{
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    loopback::Server,
    measure::{Case, Effort, Rounds, interleave, nanoseconds},
    peers::{
        by_hand::{Locked, Queued, Swapped},
        cf_gears, google, ours, runtime,
    },
    section::{Goal, Section},
};

const FLOOR: &str = "floor: arc-swap load and header clone, never expires";
const CLOCKED: &str = "floor with both clocks read";
const OURS: &str = "`TokenCache`";
const RENEWING: &str = "`TokenCache` while it renews";
const LOCKED: &str = "by hand: std `RwLock`, one clock";
const LOCKED_BY_BOTH: &str = "by hand: std `RwLock`, both clocks";
const QUEUED: &str = "by hand: tokio `Mutex`, one clock";
const CF_GEARS: &str = "cf-gears-toolkit-auth, header built as its layer does";
const GOOGLE: &str = "google-cloud-auth `headers`";
const NAMES: [&str; 9] = [
    FLOOR,
    CLOCKED,
    OURS,
    RENEWING,
    LOCKED_BY_BOTH,
    LOCKED,
    QUEUED,
    CF_GEARS,
    GOOGLE,
];
const THREADS: usize = 2;
const TASKS: [u32; 4] = [1, 2, 8, 64];

/// Millions of hits a second with this many concurrent tasks.
fn rate<F, Fut>(runtime: &Runtime, tasks: u32, times: u32, hits: F) -> f64
where
    F: Fn(u32) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let each = times / tasks;
    runtime.block_on(async {
        let start = std::time::Instant::now();
        let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(hits(each))).collect();
        let count = tasks.len();
        for task in tasks {
            task.await.expect("no task panics");
        }
        f64::from(each) * count as f64 * 1e3 / nanoseconds(start.elapsed())
    })
}

/// A case in which each hit is a call.
fn direct<'a, F>(
    name: &'static str,
    runtime: &'a Runtime,
    (tasks, times): (u32, u32),
    hit: F,
) -> Case<'a>
where
    F: Fn() -> Option<HeaderValue> + Clone + Send + 'static,
{
    Case::new(name, move || {
        rate(runtime, tasks, times, |each| {
            let hit = hit.clone();
            async move {
                for _ in 0..each {
                    assert!(black_box(hit()).is_some());
                }
            }
        })
    })
}

struct Managers {
    runtime: Runtime,
    swapped: Arc<Swapped>,
    locked: Arc<Locked>,
    queued: Arc<Queued>,
    ours: TokenCache,
    cf_gears: toolkit_auth::TokenProvider,
    google: google_cloud_auth::credentials::Credentials,
}

impl Managers {
    fn new() -> Self {
        let runtime = runtime(THREADS);
        let issuer = Issuer::default();
        let server = Server::start(issuer.clone());
        Self {
            swapped: runtime.block_on(Swapped::new(issuer.clone())),
            locked: Arc::new(runtime.block_on(Locked::new(issuer.clone()))),
            queued: Arc::new(runtime.block_on(Queued::new(issuer.clone()))),
            ours: runtime.block_on(ours::tokens(&issuer)),
            cf_gears: runtime.block_on(cf_gears::tokens(server)),
            google: runtime.block_on(google::credentials(server)),
            runtime,
        }
    }

    fn cases(&self, tasks: u32, effort: Effort) -> Vec<Case<'_>> {
        let amount = (tasks, effort.repeat(256_000));
        let slow = (tasks, effort.repeat(64_000));
        let runtime = &self.runtime;
        let swapped = Arc::clone(&self.swapped);
        let clocked = Arc::clone(&self.swapped);
        let locked = Arc::clone(&self.locked);
        let locked_by_both = Arc::clone(&self.locked);
        let ours = self.ours.clone();
        vec![
            direct(FLOOR, runtime, amount, move || Some(swapped.unchecked())),
            direct(CLOCKED, runtime, amount, move || clocked.hit()),
            direct(OURS, runtime, amount, move || header(&ours)),
            self.renewing(amount),
            direct(LOCKED_BY_BOTH, runtime, amount, move || {
                locked_by_both.hit_by_both()
            }),
            direct(LOCKED, runtime, amount, move || locked.hit()),
            self.queued(slow),
            self.cf_gears(amount),
            self.google(slow),
        ]
    }

    /// Every sample has its own cache, so that the renewal runs as long as the
    /// sample.
    fn renewing(&self, (tasks, times): (u32, u32)) -> Case<'_> {
        Case::new(RENEWING, move || {
            let cache = self.runtime.block_on(ours::renewing());
            let hits = cache.clone();
            // A hit learns from a coarse clock that its token is due, at most
            // one step late.
            self.runtime.block_on(async {
                while cache.status().renewing.is_none() {
                    assert!(header(&hits).is_some());
                    tokio::task::yield_now().await;
                }
            });
            let rate = rate(&self.runtime, tasks, times, |each| {
                let cache = cache.clone();
                async move {
                    for _ in 0..each {
                        assert!(black_box(header(&cache)).is_some());
                    }
                }
            });
            assert!(
                cache.status().renewing.is_some(),
                "it was renewing throughout"
            );
            self.runtime.block_on(cache.close());
            rate
        })
    }

    fn queued(&self, (tasks, times): (u32, u32)) -> Case<'_> {
        Case::new(QUEUED, move || {
            rate(&self.runtime, tasks, times, |each| {
                let queued = Arc::clone(&self.queued);
                async move {
                    for _ in 0..each {
                        black_box(queued.header().await);
                    }
                }
            })
        })
    }

    fn cf_gears(&self, (tasks, times): (u32, u32)) -> Case<'_> {
        Case::new(CF_GEARS, move || {
            rate(&self.runtime, tasks, times, |each| {
                let tokens = self.cf_gears.clone();
                async move {
                    for _ in 0..each {
                        let token = tokens.get().await.expect("it is valid");
                        let value = format!("Bearer {}", token.expose());
                        black_box(HeaderValue::try_from(value).expect("visible ASCII"));
                    }
                }
            })
        })
    }

    fn google(&self, (tasks, times): (u32, u32)) -> Case<'_> {
        Case::new(GOOGLE, move || {
            rate(&self.runtime, tasks, times, |each| {
                let credentials = self.google.clone();
                async move {
                    for _ in 0..each {
                        black_box(google::header(&credentials).await);
                    }
                }
            })
        })
    }
}

fn header(tokens: &TokenCache) -> Option<HeaderValue> {
    tokens.try_current().map(AccessToken::into_header_value)
}

pub fn counts(meter: Meter) -> Vec<Count> {
    let runtime = runtime(0);
    let tokens = runtime.block_on(ours::tokens(&Issuer::default()));
    let renewing = runtime.block_on(ours::renewing());
    runtime.block_on(async { header(&renewing) });
    let none = Expected::Exactly(0);
    [(OURS, tokens), (RENEWING, renewing)]
        .map(|(name, tokens)| {
            // After a few hits, the thread has its copy of the token.
            assert!((0..10).all(|_| header(&tokens).is_some()));
            let times = meter(&mut || {
                for _ in 0..1000 {
                    assert!(header(&tokens).is_some());
                }
            });
            Count::new(
                format!("1000 token hits: allocations, {name}"),
                times.times,
                none,
            )
        })
        .into()
}

/// Repeats a hit, to count instructions.
pub fn hit(times: u32) {
    let tokens = runtime(0).block_on(ours::tokens(&Issuer::default()));
    for _ in 0..times {
        assert!(black_box(header(&tokens)).is_some());
    }
}

pub fn sample(effort: Effort) -> Vec<Rounds> {
    let managers = Managers::new();
    let rounds = |tasks| interleave(managers.cases(tasks, effort), effort.rounds);
    TASKS.map(rounds).into()
}

pub fn table(rounds: &[Rounds], _counted: &Counted) -> Section {
    let row = |name: &str| {
        let mut row = vec![name.into()];
        row.extend(rounds.iter().map(|rounds| rounds.of(name).show(1)));
        row
    };
    Section {
        name: "token_hits",
        columns: vec![
            "million hits a second",
            "1 task",
            "2 tasks",
            "8 tasks",
            "64 tasks",
        ],
        rows: NAMES.map(row).into(),
        goals: goals(rounds),
    }
}

fn goals(rounds: &[Rounds]) -> Vec<Goal> {
    let all = |rounds: &[Rounds], number: &dyn Fn(&Rounds) -> f64| {
        rounds.iter().map(number).collect::<Vec<_>>()
    };
    let show = |numbers: &[f64]| {
        let shown: Vec<_> = numbers
            .iter()
            .map(|number| format!("{number:.2}"))
            .collect();
        format!("{} ×", shown.join(", "))
    };
    let least = |numbers: &[f64]| numbers.iter().copied().fold(f64::INFINITY, f64::min);

    // A cache with a single clock returns tokens that have expired while the
    // machine slept. It is shown, and does not count as a peer.
    let peers = [LOCKED_BY_BOTH, CF_GEARS, GOOGLE];
    let ahead = all(rounds, &|rounds| {
        let rates = peers.map(|name| rounds.ratio(OURS, name).median);
        rates.into_iter().fold(f64::INFINITY, f64::min)
    });
    let many = &rounds[1..];
    let floor = all(many, &|rounds| rounds.ratio(OURS, FLOOR).median);
    let rate = all(rounds, &|rounds| rounds.of(OURS).median);
    let floor_rate = all(rounds, &|rounds| rounds.of(FLOOR).median);
    // Also round by round, since these ran in the same process one after the
    // other.
    let flat = all(many, &|rounds| rounds.against(&many[0], OURS).median);
    let renewing = all(rounds, &|rounds| rounds.ratio(RENEWING, OURS).median);
    vec![
        Goal::new(
            "at 1, 2, 8 and 64 tasks faster than all others that notice an expiry while the machine sleeps",
            show(&ahead),
            least(&ahead) > 1.0,
        ),
        Goal::new(
            "at 2, 8 and 64 tasks faster than the floor, which never looks at a clock",
            show(&floor),
            least(&floor) > 1.0,
        ),
        Goal::new(
            "at least 28 million a second with 1 task, 55 with 2, 8 and 64",
            show(&rate).replace(" ×", ""),
            rate[0] >= 28.0 && least(&rate[1..]) >= 55.0,
        )
        .against(format!(
            "two coarse clocks are half of a hit, and the machine was slower than when the goal was set: \
             the floor of the table, which reads no clock, ran at {}",
            show(&floor_rate).replace(" ×", "")
        )),
        Goal::new(
            "flat: at 8 and 64 tasks at least 0.9 of the rate at 2",
            show(&flat[1..]),
            least(&flat) >= 0.9,
        ),
        Goal::new(
            "not slower while a renewal runs: at least 0.95",
            show(&renewing),
            least(&renewing) >= 0.95,
        ),
    ]
}
