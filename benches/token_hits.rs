//! How fast is a valid token returned if several threads ask for it at the same
//! time?

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use http::HeaderValue;
use tokio::runtime::Runtime;
use tower_genesys::{
    TokenCache, TokenError,
    token::{IssuedToken, TokenProvider, source_fn},
};

fn main() {
    divan::main();
}

const THREADS: [usize; 3] = [1, 2, 8];
const LIFETIME: Duration = Duration::from_secs(86_400);

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build();
    runtime.expect("a runtime can be built")
}

fn hit(tokens: &TokenCache) -> Option<HeaderValue> {
    tokens.try_current().map(|token| token.header_value())
}

#[divan::bench(threads = THREADS)]
fn token_cache(bencher: divan::Bencher<'_, '_>) {
    let tokens = TokenCache::new(source_fn(|_cx| async {
        Ok::<_, TokenError>(IssuedToken::new("a-token", LIFETIME))
    }));
    let runtime = runtime();
    runtime
        .block_on(tokens.warm_up())
        .expect("the source gives a token");
    bencher.bench(|| hit(&tokens));
}

/// The token is due, and the token endpoint does not answer.
#[divan::bench(threads = THREADS)]
fn while_a_renewal_runs(bencher: divan::Bencher<'_, '_>) {
    let first = AtomicBool::new(true);
    let tokens = TokenCache::new(source_fn(move |_cx| {
        let answers = first.swap(false, SeqCst);
        async move {
            if !answers {
                std::future::pending::<()>().await;
            }
            let token = IssuedToken::new("a-token", LIFETIME);
            Ok::<_, TokenError>(token.with_remaining(Duration::from_secs(300)))
        }
    }));
    let runtime = runtime();
    runtime
        .block_on(tokens.warm_up())
        .expect("the source gives a token");
    let _entered = runtime.enter();
    assert!(hit(&tokens).is_some());
    assert!(tokens.status().renewing.is_some());
    bencher.bench(|| hit(&tokens));
}
