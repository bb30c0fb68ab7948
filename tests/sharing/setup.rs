use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::sleep;
use tower_genesys::{
    Sharing, TokenCache, TokenError,
    store::{KeyRing, Keyed, MemoryStore, SharedSource, StoreEvent, StoreKey},
    token::{FetchContext, IssuedToken, TokenErrorKind, TokenProvider, TokenSource},
};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);
/// The duration of a token request.
pub(crate) const POST: Duration = Duration::from_millis(400);

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn key() -> StoreKey {
    StoreKey::new("login.example", "client", "client_credentials")
}

/// A ring of keys, each with an id and 32 times this byte.
pub(crate) fn ring(keys: &[(&str, u8)]) -> KeyRing {
    use tower_genesys::store::SealKey;
    let keys = keys
        .iter()
        .map(|(id, byte)| SealKey::from_bytes(id, &[*byte; 32]).expect("32 bytes"));
    KeyRing::new(keys).expect("a ring")
}

/// What the token endpoint does at a request. After the last step of a script,
/// it issues tokens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Fail(TokenErrorKind),
    RetryAfter(Duration),
    Never,
    Takes(Duration),
}

/// The token endpoint of all processes.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    posts: AtomicUsize,
    answers: AtomicUsize,
    script: Mutex<VecDeque<Step>>,
    life: Mutex<Duration>,
}

impl Endpoint {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                posts: AtomicUsize::new(0),
                answers: AtomicUsize::new(0),
                script: Mutex::default(),
                life: Mutex::new(DAY),
            }),
        }
    }

    pub(crate) fn posts(&self) -> usize {
        self.inner.posts.load(Ordering::SeqCst)
    }

    /// How many requests were answered, and not dropped.
    pub(crate) fn answers(&self) -> usize {
        self.inner.answers.load(Ordering::SeqCst)
    }

    pub(crate) fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.inner.script.lock().expect("no panic").extend(steps);
    }

    pub(crate) fn set_life(&self, life: Duration) {
        *self.inner.life.lock().expect("no panic") = life;
    }
}

impl TokenSource for Endpoint {
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let n = self.inner.posts.fetch_add(1, Ordering::SeqCst) + 1;
        let step = self.inner.script.lock().expect("no panic").pop_front();
        let life = *self.inner.life.lock().expect("no panic");
        let mut takes = POST;
        let failed = match step {
            Some(Step::Never) => std::future::pending().await,
            Some(Step::Fail(kind)) => Some(TokenError::new(kind, "scripted")),
            Some(Step::RetryAfter(wait)) => {
                let error = TokenError::new(TokenErrorKind::Throttled, "scripted");
                Some(error.with_retry_after(wait))
            }
            Some(Step::Takes(other)) => {
                takes = other;
                None
            }
            None => None,
        };
        sleep(takes).await;
        self.inner.answers.fetch_add(1, Ordering::SeqCst);
        match failed {
            Some(error) => Err(error),
            None => Ok(IssuedToken::new(format!("t0p-s3cr3t-{n}"), life)),
        }
    }

    fn login_host(&self) -> Option<&str> {
        Some("login.example")
    }
}

/// The names of the events of all processes.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(crate) fn count(&self, name: &str) -> usize {
        let events = self.0.lock().expect("no panic");
        events.iter().filter(|event| *event == name).count()
    }

    fn note(&self, event: &StoreEvent<'_>) {
        let name = match event {
            StoreEvent::Missed { kind, .. } => format!("missed {}", kind.as_str()),
            StoreEvent::Failed {
                operation, error, ..
            } => format!("failed {} {}", operation.as_str(), error.kind().as_str()),
            other => other.as_str().to_owned(),
        };
        self.0.lock().expect("no panic").push(name);
    }
}

/// A store, a token endpoint, and processes that use both.
#[derive(Clone)]
pub(crate) struct Fleet {
    pub(crate) store: MemoryStore,
    pub(crate) endpoint: Endpoint,
    pub(crate) events: Events,
    pub(crate) processes: Vec<TokenCache>,
}

impl Fleet {
    pub(crate) fn of(processes: usize) -> Self {
        // For the jitter: a test that fails can be repeated.
        fastrand::seed(7);
        let mut fleet = Self {
            store: MemoryStore::new(),
            endpoint: Endpoint::new(),
            events: Events::default(),
            processes: Vec::new(),
        };
        fleet.processes = (0..processes).map(|_| fleet.process()).collect();
        fleet
    }

    pub(crate) fn sharing(&self, keys: &[(&str, u8)]) -> Sharing {
        let events = self.events.clone();
        Sharing::sealed(self.store.clone(), ring(keys))
            .with_observer(move |event: &StoreEvent<'_>| events.note(event))
    }

    pub(crate) fn source(&self, sharing: Sharing) -> SharedSource<Keyed<Endpoint>> {
        SharedSource::new(self.endpoint.clone(), key(), sharing).expect("it can be shared")
    }

    /// Another process.
    pub(crate) fn process(&self) -> TokenCache {
        TokenCache::new(self.source(self.sharing(&[("key", 1)])))
    }

    /// Another process with these keys.
    pub(crate) fn process_with(&self, keys: &[(&str, u8)]) -> TokenCache {
        TokenCache::new(self.source(self.sharing(keys)))
    }

    /// Has each process ask for its token. Returns the number of errors.
    pub(crate) async fn all_ask(&self) -> usize {
        let results = join_all(self.processes.iter().map(TokenCache::token)).await;
        results.iter().filter(|result| result.is_err()).count()
    }

    /// The tokens that the processes would send now.
    pub(crate) fn tokens(&self) -> BTreeSet<String> {
        let current = self.processes.iter().filter_map(TokenProvider::try_current);
        current.map(|token| token.expose().to_owned()).collect()
    }

    /// Repairs the store, and expects that all processes share one token after
    /// half a minute, with this many requests in all.
    pub(crate) async fn converges_after(&self, posts: usize) {
        self.store.clear_faults();
        assert_eq!(self.traffic_for(seconds(30)).await, 0);
        assert_eq!((self.endpoint.posts(), self.tokens().len()), (posts, 1));
    }

    /// Has each process use its token every 100 ms. Returns the number of
    /// errors.
    pub(crate) async fn traffic_for(&self, time: Duration) -> usize {
        let mut errors = 0;
        for _ in 0..time.as_millis() / 100 {
            sleep(millis(100)).await;
            errors += self.all_ask().await;
        }
        errors
    }
}

/// Lets tasks run until all of them wait.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
