//! What does a shared limit add to a send that has a reserved slot?

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    GenesysLayer, Org, Region,
    store::{Limit, book::LimitEvent},
};

use super::{ALL_FOUR, send_times, what};
use crate::{
    api::{self, Api},
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    peers::{ours, runtime},
};

/// The limiter reserves as many slots as were used in the last 0.9 seconds, up
/// to 64.
const AHEAD: usize = 60;
const SENDS: u32 = 40;

pub(super) fn counts(meter: Meter) -> Vec<Count> {
    let told = Arc::new(AtomicU64::new(0));
    let events = told.clone();
    // At least one event for each operation of the store.
    let limit = Limit::per_minute(100_000).with_observer(move |_: &LimitEvent| {
        events.fetch_add(1, SeqCst);
    });
    let runtime = runtime(0);
    let tokens = runtime.block_on(ours::tokens(&Issuer::default()));
    let org = Org::builder(Region::US_EAST_1).process_limit(limit);
    let org = org.build_from_cache(tokens).expect("the region is https");
    let mut service = GenesysLayer::new(&org).layer(Api::<tower_genesys::BoxError>::new());
    runtime.block_on(async {
        // The last requests find no slot, and reserve as many as the first ones
        // have used.
        for in_flight in [AHEAD, 1, 1] {
            let sends = (0..in_flight).map(|_| service.clone().oneshot(api::request()));
            let answers = join_all(sends).await;
            assert!(answers.iter().all(Result::is_ok));
        }
    });
    // Slots of a burst are a microsecond apart.
    thread::sleep(Duration::from_millis(1));
    send_times(&mut service, api::request, 1);
    let before = told.load(SeqCst);
    let times = meter(&mut || send_times(&mut service, api::request, SENDS)).times;
    let name = format!("{ALL_FOUR}, with a slot at hand");
    assert_eq!(times % u64::from(SENDS), 0, "{name}: not the same for each");
    let operations = told.load(SeqCst) - before;
    vec![
        Count::new(what(&name), times / u64::from(SENDS), Expected::Exactly(6)),
        Count::new(
            format!("one request: store operations, {name}"),
            operations,
            Expected::Exactly(0),
        ),
    ]
}
