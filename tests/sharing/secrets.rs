//! No output, no log and no stored value shows a token or a key.

use std::fmt::Write as _;

use tokio::time::advance;
use tower_genesys::{
    store::{Fault, Operation, StoreErrorKind},
    token::TokenProvider,
};

use crate::{captured_log::CapturedLog, setup::*};

/// Goes through all outcomes, and collects everything that can be shown.
/// Returns the stored values.
async fn trouble(shown: &mut String) -> Vec<u8> {
    let fleet = Fleet::of(3);
    let sharing = fleet.sharing(&[("key", b'K')]);
    assert_eq!(fleet.all_ask().await, 0);
    let key = fleet.store.keys()[0];
    let entry = fleet.store.entry(&key).expect("an entry");
    write!(
        shown,
        "{entry:?} {sharing:?} {:?} {:?} {key:?}",
        fleet.store,
        fleet.source(sharing.clone())
    )
    .expect("a string takes it");
    write!(shown, "{:?} {:?}", ring(&[("key", b'K')]), fleet.processes).expect("a string takes it");
    fleet.store.corrupt(&key, |value| value[9] ^= 1);
    fleet.process().token().await.expect("a token");
    fleet
        .store
        .inject(Operation::Publish, Fault::Fail(StoreErrorKind::Denied));
    advance(DAY).await;
    assert_eq!(fleet.all_ask().await, 0);
    fleet.store.inject_all(Fault::Hang);
    advance(DAY).await;
    fleet.traffic_for(seconds(30)).await;
    fleet.store.clear_faults();
    fleet.traffic_for(seconds(30)).await;
    fleet.endpoint.script([Step::RetryAfter(seconds(100))]);
    let refused = fleet.processes[0]
        .try_current()
        .expect("a token")
        .generation();
    let error = fleet.processes[0]
        .wait(refused)
        .await
        .expect_err("it is throttled");
    write!(shown, "{error} {error:?}").expect("a string takes it");
    let stored = { fleet.store.keys() }.into_iter();
    stored
        .filter_map(|key| Some(fleet.store.entry(&key)?.value.to_vec()))
        .flatten()
        .collect()
}

#[test]
fn tokens_and_keys_are_never_shown_logged_or_stored() {
    let log = CapturedLog::default();
    let subscriber = log
        .subscriber()
        .with_max_level(tracing::Level::TRACE)
        .finish();
    let mut shown = String::new();
    let stored = tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(trouble(&mut shown))
    });
    let log = log.text();
    for event in [
        "adopted",
        "missed",
        "converged",
        "went_alone",
        "leased",
        "published",
    ] {
        assert!(log.contains(event), "{event} is logged: {log}");
    }
    assert!(!stored.is_empty());
    let everything = format!("{shown}\n{log}\n{}", String::from_utf8_lossy(&stored));
    for secret in [
        "t0p-s3cr3t",
        "KKKKKKKK",
        "S0tLS0tL",
        "75, 75, 75",
        "4b4b4b4b",
    ] {
        assert!(!everything.contains(secret), "{secret} is shown");
    }
}
