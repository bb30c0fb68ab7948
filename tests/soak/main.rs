//! Is every call, send and token request accounted for, over weeks in which
//! five organisations have all kinds of trouble?
//!
//! Two simulated days by default, `SOAK_DAYS` of them otherwise (`make soak`:
//! thirty).

mod ledger;
mod tenant;

use std::{env, time::Duration};

use futures_util::future::join_all;
use tokio::time::Instant;
use tower::Layer;
use tower_genesys::GenesysLayer;

use crate::tenant::{DUE, LIFETIME, Tenant, route};

const TENANTS: u64 = 5;
const DAY: Duration = Duration::from_secs(86_400);

fn days() -> u32 {
    let set = env::var("SOAK_DAYS").ok();
    set.map_or(2, |days| days.parse().expect("SOAK_DAYS is a number"))
}

#[tokio::test(start_paused = true)]
async fn every_call_send_and_token_request_is_accounted_for() {
    // For the jitter of the token caches: a run that fails can be repeated.
    fastrand::seed(7);
    let until = Instant::now() + DAY * days();
    let tenants: Vec<_> = (0..TENANTS).map(Tenant::new).collect();
    // One stack for all organisations, so that the token, the pause or the
    // budget of one could reach another.
    let layer = GenesysLayer::per_request();
    let stacks = tenants.iter().map(|tenant| {
        let ledger = tenant.ledger.clone();
        layer
            .clone()
            .map_retry(move |retry| retry.with_observer(ledger.retries()))
            .layer(route(&tenants))
    });
    let runs = { tenants.iter().zip(stacks) }.map(|(tenant, stack)| tenant.run(stack, until));
    join_all(runs).await;

    for tenant in &tenants {
        tenant.org.tokens().close().await;
        let mock = &tenant.mock;
        let ledger = tenant.ledger.read();
        println!("{}: {ledger:?}", tenant.name());
        ledger.assert_closed();
        assert_eq!(mock.api_calls() as u64, ledger.sends(), "sends");
        assert_eq!(mock.token_posts() as u64, ledger.renewals_started, "posts");
        // A token that is not revoked serves until it is due.
        let by_age = (DAY * days()).as_secs() / (LIFETIME - DUE).as_secs();
        let most = 1 + by_age + ledger.revocations;
        assert!(ledger.renewed <= most, "{} > {most}", ledger.renewed);
    }
}
