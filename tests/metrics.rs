//! Do the metrics have the names and labels that the docs list?
#![cfg(feature = "metrics")]

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::{Layer, ServiceExt, service_fn};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org, ReplayBody, ReplayLayer, RetryLayer, RetryPolicy,
    Sharing, TokenCache,
    metrics::Metrics,
    store::{Fault, Limit, MemoryStore, Operation, SharedSource, StoreErrorKind, StoreKey},
    testing::{MockGenesys, TOKEN, USERS},
    token::{IssuedToken, source_fn},
};

/// Runs a stack through all kinds of trouble, on one thread, so that the
/// recorder sees it.
async fn trouble() {
    let mock = MockGenesys::new();
    let org = Org::builder(mock.region())
        .credentials(Credentials::new(mock.client_id(), mock.client_secret()).expect("well-formed"))
        .observer(Metrics)
        .build::<Full<Bytes>>(mock.service())
        .expect("the region is https");
    let layer = GenesysLayer::new(&org).map_retry(|retry| retry.with_observer(Metrics));
    let genesys = layer.layer(mock.service());
    let get = || {
        let uri = org.api("/api/v2/users").expect("a path");
        let request = Request::get(uri)
            .body(Full::<Bytes>::default())
            .expect("a request");
        genesys.clone().oneshot(request)
    };
    mock.on(TOKEN).nth(1).reply_status(StatusCode::UNAUTHORIZED);
    mock.on(USERS).nth(2).revoke_token();
    mock.on(USERS).nth(4).reply_503();
    mock.on(USERS).nth(6).reply_429(Duration::from_secs(2));
    mock.on(USERS).nth(8).reply_429(Duration::from_secs(4000));
    // The throttled request waits, and the gate then releases the next ones one
    // by one.
    for _ in 0..6 {
        let _ = get().await;
    }
    org.tokens().close().await;
}

/// Shares tokens over a store that works, then has an unreadable value, then
/// fails once.
async fn sharing() {
    let store = MemoryStore::new();
    let process = || {
        let source =
            source_fn(async |_cx| Ok(IssuedToken::new("token", Duration::from_secs(3600))));
        let sharing = Sharing::unsealed(store.clone()).with_observer(Metrics);
        let key = StoreKey::new("login.example", "client", "client_credentials");
        TokenCache::new(SharedSource::new(source, key, sharing).expect("it can be shared"))
    };
    for _ in 0..2 {
        process().warm_up().await.expect("a token");
    }
    let key = store.keys()[0];
    store.corrupt(&key, |value| value.clear());
    process().warm_up().await.expect("a token");
    store.inject(Operation::GetOrLease, Fault::Fail(StoreErrorKind::Denied));
    process().warm_up().await.expect("a token");
}

/// A process at its limit, which loses the book. With `finds_it`, it rejoins
/// the book and then gets a 429.
async fn limit(finds_it: bool) {
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let limit = Limit::per_minute(60).with_burst(0.0).with_observer(Metrics);
    let org = Org::builder(mock.region())
        .credentials(Credentials::new(mock.client_id(), mock.client_secret()).expect("well-formed"))
        .share(Sharing::unsealed(store.clone()))
        .shared_limit(limit, store.clone())
        .build::<Full<Bytes>>(mock.service())
        .expect("the region is https");
    let genesys = GenesysLayer::new(&org).layer(mock.service());
    let get = async || {
        let uri = org.api("/api/v2/users").expect("a path");
        let request = Request::get(uri).body(Full::<Bytes>::default());
        let response = genesys.clone().oneshot(request.expect("a request")).await;
        assert!(response.is_ok_and(|response| response.status() == 200));
    };
    // A slot now, and one a second later.
    get().await;
    get().await;
    store.inject_next(1, Operation::Reserve, Fault::Fail(StoreErrorKind::Denied));
    get().await;
    if finds_it {
        tokio::time::sleep(Duration::from_secs(15)).await;
        mock.on(USERS).nth(4).reply_429(Duration::from_secs(20));
        get().await;
    }
    org.tokens().close().await;
}

/// The metrics that `run` records: for a histogram, the number of its values.
fn seen<F: Future<Output = ()>>(run: impl FnOnce() -> F) -> BTreeMap<String, u64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(run());
    });
    let mut seen = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key
            .key()
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let count = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(value) => value.into_inner() as u64,
        };
        seen.insert(
            format!("{}{{{}}}", key.key().name(), labels.join(",")),
            count,
        );
    }
    seen
}

#[test]
fn names_and_labels_are_those_of_the_docs() {
    let seen = seen(|| async {
        trouble().await;
        sharing().await;
    });
    let expected = [
        ("tower_genesys_held_total{}", 3),
        ("tower_genesys_replays_total{method=GET}", 1),
        (
            "tower_genesys_retries_given_up_total{method=GET,reason=retry_after_too_long}",
            1,
        ),
        ("tower_genesys_retries_total{method=GET,class=throttled}", 1),
        ("tower_genesys_retries_total{method=GET,class=transient}", 1),
        ("tower_genesys_store_events_total{event=adopted}", 1),
        ("tower_genesys_store_events_total{event=leased}", 2),
        ("tower_genesys_store_events_total{event=published}", 2),
        ("tower_genesys_store_events_total{event=went_alone}", 1),
        (
            "tower_genesys_store_failures_total{operation=get_or_lease,kind=denied}",
            1,
        ),
        ("tower_genesys_store_misses_total{kind=corrupt}", 1),
        ("tower_genesys_throttled_total{}", 1),
        ("tower_genesys_token_rejections_total{outcome=renewing}", 1),
        ("tower_genesys_token_renewal_seconds{reason=missing}", 1),
        ("tower_genesys_token_renewal_seconds{reason=rejected}", 1),
        (
            "tower_genesys_token_renewals_total{reason=missing,outcome=renewed}",
            1,
        ),
        (
            "tower_genesys_token_renewals_total{reason=rejected,outcome=renewed}",
            1,
        ),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(name, count)| (name.to_owned(), count))
        .into();
    assert_eq!(seen, expected);
}

#[test]
fn names_and_values_of_a_limit_are_those_of_the_docs() {
    let whole = |seen: &[(&str, u64)]| -> BTreeMap<String, u64> {
        let seen = seen
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value));
        seen.collect()
    };
    let alone = [
        ("tower_genesys_limit_alone{}", 1),
        ("tower_genesys_limit_events_total{event=failed}", 1),
        ("tower_genesys_limit_events_total{event=reserved}", 2),
        ("tower_genesys_limit_events_total{event=waited}", 3),
        ("tower_genesys_limit_events_total{event=waiting_began}", 1),
        ("tower_genesys_limit_events_total{event=went_alone}", 1),
        ("tower_genesys_limit_requests_per_minute{}", 60),
        ("tower_genesys_limit_slots_total{}", 2),
        ("tower_genesys_limit_wait_seconds{}", 3),
    ];
    assert_eq!(seen(|| limit(false)), whole(&alone));
    // One more slot for the call, and one for its retry.
    let rejoined = [
        ("tower_genesys_limit_alone{}", 0),
        ("tower_genesys_limit_events_total{event=failed}", 1),
        ("tower_genesys_limit_events_total{event=refused}", 1),
        ("tower_genesys_limit_events_total{event=rejoined}", 1),
        ("tower_genesys_limit_events_total{event=reserved}", 4),
        ("tower_genesys_limit_events_total{event=waited}", 5),
        ("tower_genesys_limit_events_total{event=waiting_began}", 1),
        ("tower_genesys_limit_events_total{event=went_alone}", 1),
        ("tower_genesys_limit_requests_per_minute{}", 60),
        ("tower_genesys_limit_slots_total{}", 4),
        ("tower_genesys_limit_wait_seconds{}", 5),
    ];
    assert_eq!(seen(|| limit(true)), whole(&rejoined));
}

/// A gateway may pass on any method, and each would become a new series.
#[test]
fn methods_that_http_does_not_define_share_one_label() {
    let seen = seen(|| async {
        let busy = service_fn(|_: Request<ReplayBody<Full<Bytes>>>| async {
            let mut response = Response::new(Full::<Bytes>::default());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok::<_, BoxError>(response)
        });
        let retry = RetryLayer::new(RetryPolicy::new()).with_observer(Metrics);
        let service = ReplayLayer::new().layer(retry.layer(busy));
        for method in ["PROPFIND", "REPORT"] {
            let request = Request::builder()
                .method(method)
                .uri("https://api.mypurecloud.com/")
                .body(Full::<Bytes>::default())
                .expect("a request");
            let response = service.clone().oneshot(request).await;
            assert_eq!(response.expect("an answer").status(), 503);
        }
    });
    let name = "tower_genesys_retries_given_up_total{method=_OTHER,reason=not_repeatable}";
    assert_eq!(seen.get(name), Some(&2), "{seen:?}");
}
