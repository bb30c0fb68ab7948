use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    Credentials, GenesysLayer, GenesysService, Org, Region, Sharing,
    store::{Fault, Limit, MemoryStore, Operation, StoreErrorKind},
};

use super::{
    api::{Api, LIMIT, Window},
    load::Load,
    report::{Call, Report},
};

/// The settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) processes: usize,
    pub(crate) window: Window,
    pub(crate) load: Load,
    /// Without a limit, each process learns from its own 429s.
    pub(crate) limit: Option<Limit>,
    /// How many paths the requests have.
    pub(crate) paths: usize,
    pub(crate) trouble: Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// The store is down for three minutes, starting after two.
    Outage,
    /// The store loses its data after 100 seconds.
    LostState,
    /// Another program sends this many requests a minute with the token.
    ForeignUse(u32),
}

type Client = GenesysService<Api>;

impl Scenario {
    pub(crate) fn new(processes: usize, window: Window, load: Load) -> Self {
        Self {
            processes,
            window,
            load,
            limit: None,
            paths: 1,
            trouble: Trouble::None,
        }
    }

    pub(crate) fn with_limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn with_paths(mut self, paths: usize) -> Self {
        self.paths = paths;
        self
    }

    pub(crate) fn with_trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = trouble;
        self
    }
}

struct Fleet {
    clients: Vec<Client>,
    paths: usize,
    calls: Mutex<Vec<Call>>,
}

pub(super) async fn run(scenario: &Scenario, seed: u64) -> Report {
    let api = Api::new(scenario.window, LIMIT, seed);
    let store = MemoryStore::new();
    store.inject_all(Fault::Delay(Duration::from_millis(1)));
    let clients = (0..scenario.processes)
        .map(|_| client(&api, &store, scenario))
        .collect();
    let fleet = Arc::new(Fleet {
        clients,
        paths: scenario.paths,
        calls: Mutex::default(),
    });
    let counter = Counter::start(&store);
    let mut troubles = JoinSet::new();
    troubles.spawn(trouble(scenario.trouble, store.clone(), api.clone()));
    match scenario.load {
        Load::AllAtOnce { in_flight, total } => all_at_once(&fleet, in_flight, total).await,
        Load::Steady { percent, total } => steady(&fleet, percent, total).await,
        Load::Mixed { duration } => mixed(&fleet, duration).await,
    }
    troubles.shutdown().await;
    let operations = counter.a_second().await;
    let calls = std::mem::take(&mut *fleet.calls.lock().expect("no panic"));
    let report = Report::new(
        api.start(),
        &calls,
        &api.traffic(),
        operations,
        scenario.processes,
    );
    Report {
        reservations: store.calls(Operation::Reserve),
        ..report
    }
}

fn client(api: &Api, store: &MemoryStore, scenario: &Scenario) -> Client {
    let credentials = Credentials::new("simulated", "secret").expect("text");
    let mut org = Org::builder(Region::EU_WEST_1)
        .credentials(credentials)
        .share(Sharing::unsealed(store.clone()));
    if let Some(limit) = &scenario.limit {
        org = org.shared_limit(limit.clone(), store.clone());
    }
    let org = { org.build(api.clone()) }.expect("settings that work");
    GenesysLayer::new(&org).layer(api.clone())
}

impl Fleet {
    async fn call(&self, process: usize, number: usize, interactive: bool) {
        let path = number % self.paths;
        let uri = format!("https://api.mypurecloud.ie/api/v2/path{}", words(path));
        let request = Request::get(uri).body(Full::<Bytes>::default());
        let request = request.expect("a URI");
        let begun = Instant::now();
        let response = self.clients[process].clone().oneshot(request).await;
        let call = Call {
            process,
            interactive,
            begun,
            ended: Instant::now(),
            succeeded: response.is_ok_and(|response| response.status().is_success()),
        };
        self.calls.lock().expect("no panic").push(call);
    }
}

/// A path without numbers, which would count as ids.
fn words(path: usize) -> String {
    "x".repeat(path)
}

async fn all_at_once(fleet: &Arc<Fleet>, in_flight: usize, total: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for worker in 0..fleet.clients.len() * in_flight {
        let (fleet, next) = (fleet.clone(), next.clone());
        workers.spawn(async move {
            let process = worker % fleet.clients.len();
            loop {
                let number = next.fetch_add(1, SeqCst);
                if number >= total {
                    return;
                }
                fleet.call(process, number, false).await;
            }
        });
    }
    workers.join_all().await;
}

async fn steady(fleet: &Arc<Fleet>, percent: u32, total: usize) {
    let rate = f64::from(LIMIT) / 60.0 * f64::from(percent) / 100.0;
    let mut calls = JoinSet::new();
    for number in 0..total {
        let gap = -(1.0 - fastrand::f64()).ln() / rate;
        sleep(Duration::from_secs_f64(gap)).await;
        let (fleet, process) = (fleet.clone(), fastrand::usize(..fleet.clients.len()));
        calls.spawn(async move { fleet.call(process, number, false).await });
    }
    calls.join_all().await;
}

async fn mixed(fleet: &Arc<Fleet>, duration: Duration) {
    const BATCH: usize = 2;
    let end = Instant::now() + duration;
    let mut workers = JoinSet::new();
    for worker in 0..BATCH * 10 {
        let fleet = fleet.clone();
        workers.spawn(async move {
            while Instant::now() < end {
                fleet.call(worker % BATCH, 0, false).await;
            }
        });
    }
    let interactive = fleet.clients.len() - BATCH;
    let each = f64::from(LIMIT) / 60.0 * 0.4 / interactive as f64;
    // Each process has its own times, with gaps of 0.5 to 1.5 times the
    // average.
    for process in BATCH..fleet.clients.len() {
        let fleet = fleet.clone();
        workers.spawn(async move {
            let mut calls = JoinSet::new();
            loop {
                let gap = (0.5 + fastrand::f64()) / each;
                sleep(Duration::from_secs_f64(gap)).await;
                if Instant::now() >= end {
                    break;
                }
                let fleet = fleet.clone();
                calls.spawn(async move { fleet.call(process, 0, true).await });
            }
            calls.join_all().await;
        });
    }
    workers.join_all().await;
}

async fn trouble(trouble: Trouble, store: MemoryStore, api: Api) {
    match trouble {
        Trouble::None => {}
        Trouble::Outage => {
            sleep(Duration::from_secs(120)).await;
            store.inject_all(Fault::Fail(StoreErrorKind::Unavailable));
            sleep(Duration::from_secs(180)).await;
            store.clear_faults();
        }
        Trouble::LostState => {
            sleep(Duration::from_secs(100)).await;
            store.flush();
        }
        Trouble::ForeignUse(per_minute) => {
            let gap = Duration::from_secs(60) / per_minute;
            let mut at = Instant::now();
            loop {
                api.use_elsewhere();
                at += gap;
                sleep_until(at).await;
            }
        }
    }
}

/// Counts the operations of the book in each minute.
struct Counter {
    start: Instant,
    store: MemoryStore,
    samples: Arc<Mutex<Vec<u64>>>,
    tasks: JoinSet<()>,
}

impl Counter {
    const STEP: Duration = Duration::from_secs(60);

    fn start(store: &MemoryStore) -> Self {
        let samples = Arc::new(Mutex::new(vec![0]));
        let (counted, noted) = (store.clone(), samples.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                sleep(Self::STEP).await;
                let count = operations(&counted);
                noted.lock().expect("no panic").push(count);
            }
        });
        Self {
            start: Instant::now(),
            store: store.clone(),
            samples,
            tasks,
        }
    }

    async fn a_second(mut self) -> [f64; 2] {
        self.tasks.shutdown().await;
        let mut samples = self.samples.lock().expect("no panic").clone();
        let (all, minute) = (operations(&self.store), Self::STEP.as_secs_f64());
        samples.push(all);
        let steps = samples.windows(2).map(|pair| pair[1] - pair[0]);
        let most = steps.max().unwrap_or(0) as f64;
        [
            all as f64 / self.start.elapsed().as_secs_f64(),
            most / minute,
        ]
    }
}

fn operations(store: &MemoryStore) -> u64 {
    store.calls(Operation::Reserve) + store.calls(Operation::Refuse)
}
