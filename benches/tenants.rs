//! Ten thousand tenants: what does the registry of organisations cost, compared
//! with a plain map?

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, RwLock},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::runtime::Runtime;
use tower_genesys::{
    Org, Region, TokenError,
    genesys::orgs::Orgs,
    token::{IssuedToken, TokenProvider, source_fn},
};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

const TENANTS: u32 = 10_000;
const THREADS: [usize; 2] = [1, 2];

/// An organisation with a token.
async fn org(tenant: u32) -> Result<Org, Infallible> {
    let source = source_fn(move |_cx| async move {
        let day = Duration::from_secs(86_400);
        Ok::<_, TokenError>(IssuedToken::new(
            format!("the-token-of-tenant-{tenant}"),
            day,
        ))
    });
    let org = Org::builder(Region::EU_WEST_1).build_from_source(source);
    let org = org.expect("the region is https");
    org.tokens()
        .warm_up()
        .await
        .expect("the source gives a token");
    Ok(org)
}

fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()
        .expect("a runtime can be built")
}

fn tenant() -> u32 {
    fastrand::u32(0..TENANTS)
}

/// Also looks at the organisation's token, as a request does.
fn is_ready(org: &Org) -> bool {
    org.tokens().try_current().is_some()
}

#[divan::bench(threads = THREADS)]
fn registry(bencher: divan::Bencher<'_, '_>) {
    let orgs = Orgs::new(org);
    runtime().block_on(async {
        for tenant in 0..TENANTS {
            orgs.get(&tenant).await.expect("it can be built");
        }
    });
    assert_eq!(orgs.len(), TENANTS as usize);
    bencher.bench(|| orgs.try_get(&tenant()).is_some_and(|org| is_ready(&org)));
}

#[divan::bench(threads = THREADS)]
fn map_of_ones_own(bencher: divan::Bencher<'_, '_>) {
    let mut orgs = HashMap::new();
    runtime().block_on(async {
        for tenant in 0..TENANTS {
            let Ok(org) = org(tenant).await;
            orgs.insert(tenant, org);
        }
    });
    let orgs = Arc::new(RwLock::new(orgs));
    bencher.bench(|| {
        let org = orgs.read().expect("no panic").get(&tenant()).cloned();
        org.is_some_and(|org| is_ready(&org))
    });
}

/// Builds all organisations. The allocations are the memory that they hold.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn fill_registry() -> Orgs<u32> {
    let orgs = Orgs::new(org);
    runtime().block_on(async {
        for tenant in 0..TENANTS {
            orgs.get(&tenant).await.expect("it can be built");
        }
    });
    orgs
}

/// The future of a hit is ready at once.
#[divan::bench]
fn hit_by_get(bencher: divan::Bencher<'_, '_>) {
    let orgs = Orgs::new(org);
    runtime()
        .block_on(async { orgs.get(&1).await.map(drop) })
        .expect("it can be built");
    bencher.bench(|| orgs.get(&1).now_or_never().is_some_and(|org| org.is_ok()));
}
