//! What does a shared token cost: a hit, a start of fifty processes, an outage?
//! On a real `redis-server`.
//!
//! The processes are caches in one program, each with its own connections. So
//! the bench measures the store, and not how fast the machine starts programs.
//! `tests/fleet` has real processes.
//!
//! With `--test`, everything runs once. It counts requests and operations, and
//! the times mean nothing.

#[path = "../tests/redis_server/mod.rs"]
mod redis_server;

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use redis_server::RedisServer;
use tokio::time::Instant;
use tower_genesys::{
    Sharing, TokenCache, TokenError,
    store::{KeyRing, Keyed, SealKey, SharedSource, StoreKey, redis::RedisStore},
    token::{FetchContext, IssuedToken, TokenProvider, TokenSource},
};

const PROCESSES: usize = 50;
/// The number of rounds, of which the median is shown.
const ROUNDS: usize = 9;
const HITS: u32 = 1_000_000;
/// The duration of a token request.
const POST: Duration = Duration::from_millis(400);

#[tokio::main]
async fn main() {
    assert!(
        RedisServer::is_installed(),
        "`redis-server` is not installed: run tests/install-servers.sh redis-server"
    );
    let (rounds, hits) = match std::env::args().any(|argument| argument == "--test") {
        true => (1, 1000),
        false => (ROUNDS, HITS),
    };
    hit(rounds, hits).await;
    cold_start(rounds).await;
    renewal(rounds).await;
    outage(rounds).await;
}

/// Reads the current token, which is valid.
async fn hit(rounds: usize, hits: u32) {
    let server = RedisServer::start();
    let endpoint = Endpoint::default();
    let shared = process(&server, &endpoint, &StoreKey::new("hit", "", ""));
    let alone = TokenCache::new(endpoint.clone());
    for (name, tokens) in [("without a store", &alone), ("with a store", &shared)] {
        tokens.token().await.expect("a token");
        let before = scripts(&server);
        let times = (0..rounds).map(|_| {
            let begun = Instant::now();
            for _ in 0..hits {
                black_box(tokens.try_current());
            }
            begun.elapsed() / hits
        });
        let time = median(times.collect());
        let operations = scripts(&server) - before;
        println!(
            "hit {name}: {time:?}, {operations} operations in {}",
            rounds * hits as usize
        );
        assert_eq!(operations, 0);
    }
}

/// Starts fifty processes without a token and without a connection.
async fn cold_start(rounds: usize) {
    let server = RedisServer::start();
    let (mut times, mut operations) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let endpoint = Endpoint::default();
        let key = StoreKey::new("start", &round.to_string(), "");
        let processes: Vec<_> = (0..PROCESSES)
            .map(|_| process(&server, &endpoint, &key))
            .collect();
        let before = scripts(&server);
        times.push(all_ask(&processes).await.saturating_sub(POST));
        operations.push(scripts(&server) - before);
        assert_eq!(endpoint.posts.load(SeqCst), 1);
    }
    operations.sort_unstable();
    println!(
        "cold start of {PROCESSES}: 1 token request, all served {:?} after it (median of {rounds}), {} operations",
        median(times),
        operations[rounds / 2]
    );
}

/// Measures how long a process without a token waits for the store, and how
/// long the leader does.
async fn renewal(rounds: usize) {
    let server = RedisServer::start();
    let endpoint = Endpoint::default();
    let (mut leads, mut adopts) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let key = StoreKey::new("renewal", &round.to_string(), "");
        let (one, other) = (
            process(&server, &endpoint, &key),
            process(&server, &endpoint, &key),
        );
        leads.push(all_ask(&[one]).await.saturating_sub(POST));
        adopts.push(all_ask(&[other]).await);
    }
    println!(
        "first token, connection included: {:?} beside the request for who makes it, {:?} for who adopts it",
        median(leads),
        median(adopts)
    );
}

/// Measures how long a caller waits for a server that is down or silent, and
/// how long the next caller waits.
async fn outage(rounds: usize) {
    for (name, silent) in [("gone", false), ("silent", true)] {
        let (mut first, mut next) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let mut server = RedisServer::start();
            let endpoint = Endpoint::default();
            let key = StoreKey::new("outage", &round.to_string(), "");
            let tokens = process(&server, &endpoint, &key);
            match silent {
                true => server.freeze(),
                false => server.kill(),
            }
            first.push(
                all_ask(std::slice::from_ref(&tokens))
                    .await
                    .saturating_sub(POST),
            );
            next.push(all_ask(&[tokens]).await);
        }
        println!(
            "a server that is {name}: the first token comes {:?} later, the next caller waits {:?}",
            median(first),
            median(next)
        );
    }
}

async fn all_ask(processes: &[TokenCache]) -> Duration {
    let begun = Instant::now();
    let tokens = join_all(processes.iter().map(TokenCache::token)).await;
    let took = begun.elapsed();
    assert!(tokens.iter().all(Result::is_ok));
    took
}

fn process(server: &RedisServer, endpoint: &Endpoint, key: &StoreKey) -> TokenCache {
    let keys = KeyRing::new([SealKey::from_bytes("bench", &[7; 32]).expect("a key")]);
    let store = RedisStore::new(server.url()).expect("a URL");
    let sharing = Sharing::sealed(store, keys.expect("a ring"));
    let source: Result<SharedSource<Keyed<Endpoint>>, _> =
        SharedSource::new(endpoint.clone(), *key, sharing);
    TokenCache::new(source.expect("it can be shared"))
}

fn scripts(server: &RedisServer) -> u64 {
    server.calls("eval") + server.calls("evalsha")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[derive(Clone, Default)]
struct Endpoint {
    posts: Arc<AtomicUsize>,
}

impl TokenSource for Endpoint {
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let post = self.posts.fetch_add(1, SeqCst);
        tokio::time::sleep(POST).await;
        let token = format!("a-token-of-some-length-as-they-are-in-fact-{post}");
        Ok(IssuedToken::new(token, Duration::from_secs(86_400)))
    }
}
