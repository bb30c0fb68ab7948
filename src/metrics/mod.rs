//! Metrics of the token cache, the retry layer, calls, shared tokens and shared
//! limits, through the [`metrics`] facade.
//!
//! [`Metrics`] observes each of them:
//!
//! | metrics of | give `Metrics` to |
//! |---|---|
//! | the token cache | [`OrgBuilder::observer`](crate::genesys::OrgBuilder::observer), or [`TokenCacheBuilder::observer`](crate::token::TokenCacheBuilder::observer) |
//! | retries and replays | [`RetryLayer::with_observer`](crate::RetryLayer::with_observer) |
//! | durations of calls and attempts | [`SpanLayer::with_observer`](crate::SpanLayer::with_observer) |
//! | a shared token | [`Sharing::with_observer`](crate::Sharing::with_observer) |
//! | a limit | [`Limit::with_observer`](crate::store::Limit::with_observer) |
//!
//! The recorder that your program installs exports the numbers, for example to
//! Prometheus. Without a recorder, they are discarded.
//!
//! | name | kind | labels | meaning |
//! |---|---|---|---|
//! | `tower_genesys_token_renewals_total` | counter | `reason`, `outcome` | ended renewals |
//! | `tower_genesys_token_renewal_seconds` | histogram | `reason` | duration of renewals |
//! | `tower_genesys_token_rejections_total` | counter | `outcome` | 401s reported to the cache |
//! | `tower_genesys_retries_total` | counter | `method`, `class` | retries |
//! | `tower_genesys_replays_total` | counter | `method` | replays after a 401 |
//! | `tower_genesys_retries_given_up_total` | counter | `method`, `reason` | failures returned to the caller although a resend might have helped |
//! | `tower_genesys_throttled_total` | counter | – | gates closed by a 429 |
//! | `tower_genesys_held_total` | counter | – | requests that waited at a closed gate |
//! | `tower_genesys_call_seconds` | histogram | `scope`, `method`, `template`, `status` | duration of calls and attempts, until the response's head |
//! | `tower_genesys_limit_events_total` | counter | `event` | events of a shared limit |
//! | `tower_genesys_limit_slots_total` | counter | – | reserved slots |
//! | `tower_genesys_limit_wait_seconds` | histogram | – | time that sends waited for slots |
//! | `tower_genesys_limit_requests_per_minute` | gauge | – | the limit in use |
//! | `tower_genesys_limit_alone` | gauge | – | 1 while the process keeps to its share without the store, otherwise 0 |
//! | `tower_genesys_store_events_total` | counter | `event` | events of a shared token |
//! | `tower_genesys_store_misses_total` | counter | `kind` | unusable values in the store |
//! | `tower_genesys_store_failures_total` | counter | `operation`, `kind` | failed operations of the store |
//!
//! No label contains an id, a query or a host, so the number of series is
//! bounded. In a process with several organisations, the counters add them up,
//! and the gauges of a limit show the organisation that changed last. The guide
//! says [which values are normal](crate::guide::operating#metrics), and has
//! alert rules and a dashboard.
//!
//! | label | of | value |
//! |---|---|---|
//! | `reason` | renewals | [`Reason::as_str`](crate::token::Reason::as_str) |
//! | `outcome` | renewals | `renewed`, `abandoned`, or [`TokenErrorKind::as_str`](crate::token::TokenErrorKind::as_str) |
//! | `outcome` | rejections | a [`Rejection`], such as `superseded` |
//! | `method` | retries, replays, given up, calls and attempts | the method; `_OTHER` for one that HTTP does not define |
//! | `class` | retries | a [`Class`], such as `not_sent` |
//! | `reason` | given up | a [`Stop`], such as `budget_spent` |
//! | `scope` | calls and attempts | `call` or `attempt` |
//! | `template` | calls and attempts | the path template, or `other` |
//! | `status` | calls and attempts | the response's status; without a response, the [`error.type`](crate::spans#what-is-in-a-span) |
//! | `event` | a shared token | [`StoreEvent::as_str`](crate::store::StoreEvent::as_str); `missed` and `failed` have separate counters |
//! | `event` | a limit | [`LimitEvent::as_str`](crate::store::book::LimitEvent::as_str) |
//!
//! # Example
//!
//! ```
//! use http::{Request, Response};
//! use metrics_util::{MetricKind, debugging::DebuggingRecorder};
//! use tower::{BoxError, Layer, ServiceExt, service_fn};
//! use tower_genesys::{SpanLayer, metrics::{CALL_SECONDS, Metrics}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let recorder = DebuggingRecorder::new(); // yours: an exporter
//! let snapshotter = recorder.snapshotter();
//! metrics::set_global_recorder(recorder)?;
//!
//! let client = service_fn(|_| async {
//!     Ok::<_, BoxError>(Response::new(()))
//! });
//! let client = SpanLayer::calls().with_observer(Metrics).layer(client);
//! client.oneshot(Request::new(())).await?;
//!
//! let (key, ..) = snapshotter.snapshot().into_vec().remove(0);
//! assert_eq!(key.kind(), MetricKind::Histogram);
//! assert_eq!(key.key().name(), CALL_SECONDS);
//! # Ok(())
//! # }
//! ```

use metrics::{counter, gauge, histogram};

use crate::{
    retry::{Class, RetryEvent, RetryObserver, Stop},
    spans::{CallEvent, CallObserver, method_name},
    store::{
        StoreEvent, StoreObserver,
        book::{LimitEvent, LimitObserver},
    },
    token::{Reason, Rejection, TokenEvent, TokenObserver},
};

/// An observer that records each event as a metric.
///
/// The [module](self) lists the names and labels, and has an example.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics;

/// Counter of ended renewals, by `reason` and `outcome`.
pub const TOKEN_RENEWALS: &str = "tower_genesys_token_renewals_total";
/// Histogram of the duration of renewals in seconds, by `reason`.
pub const TOKEN_RENEWAL_SECONDS: &str = "tower_genesys_token_renewal_seconds";
/// Counter of 401s reported to the cache, by `outcome`.
pub const TOKEN_REJECTIONS: &str = "tower_genesys_token_rejections_total";
/// Counter of retries, by `method` and `class`.
pub const RETRIES: &str = "tower_genesys_retries_total";
/// Counter of replays after a 401, by `method`.
pub const REPLAYS: &str = "tower_genesys_replays_total";
/// Counter of failures returned to the caller although a resend might have
/// helped, by `method` and `reason`.
pub const RETRIES_GIVEN_UP: &str = "tower_genesys_retries_given_up_total";
/// Counter of gates closed by a 429.
pub const THROTTLED: &str = "tower_genesys_throttled_total";
/// Counter of requests that waited at a closed gate.
pub const HELD: &str = "tower_genesys_held_total";
/// Histogram of the duration of calls and attempts until the response's head,
/// in seconds, by `scope`, `method`, `template` and `status`.
pub const CALL_SECONDS: &str = "tower_genesys_call_seconds";
/// Counter of the events of a shared limit, by `event`.
pub const LIMIT_EVENTS: &str = "tower_genesys_limit_events_total";
/// Counter of reserved slots of a shared limit.
pub const LIMIT_SLOTS: &str = "tower_genesys_limit_slots_total";
/// Histogram of the time that sends waited for slots, in seconds.
pub const LIMIT_WAIT_SECONDS: &str = "tower_genesys_limit_wait_seconds";
/// Gauge of the limit in use, in requests per minute.
pub const LIMIT_IN_USE: &str = "tower_genesys_limit_requests_per_minute";
/// Gauge: 1 while the process keeps to its share of the limit without the
/// store, otherwise 0.
pub const LIMIT_ALONE: &str = "tower_genesys_limit_alone";
/// Counter of the events of a shared token, by `event`.
pub const STORE_EVENTS: &str = "tower_genesys_store_events_total";
/// Counter of unusable values in the store, by `kind`.
pub const STORE_MISSES: &str = "tower_genesys_store_misses_total";
/// Counter of failed operations of the store, by `operation` and `kind`.
pub const STORE_FAILURES: &str = "tower_genesys_store_failures_total";

impl TokenObserver for Metrics {
    fn on_event(&self, event: &TokenEvent<'_>) {
        let ended = |reason: Reason, outcome: &'static str| {
            counter!(TOKEN_RENEWALS, "reason" => reason.as_str(), "outcome" => outcome)
                .increment(1);
        };
        match event {
            // Each started renewal ends in one of the next three, which count
            // it.
            TokenEvent::Started { .. } => {}
            TokenEvent::Renewed { reason, took, .. } => {
                ended(*reason, "renewed");
                histogram!(TOKEN_RENEWAL_SECONDS, "reason" => reason.as_str()).record(*took);
            }
            TokenEvent::Failed {
                reason,
                error,
                took,
            } => {
                ended(*reason, error.kind().as_str());
                histogram!(TOKEN_RENEWAL_SECONDS, "reason" => reason.as_str()).record(*took);
            }
            TokenEvent::Abandoned { reason } => ended(*reason, "abandoned"),
            TokenEvent::Rejected { rejection, .. } => {
                counter!(TOKEN_REJECTIONS, "outcome" => rejected(*rejection)).increment(1);
            }
        }
    }
}

impl RetryObserver for Metrics {
    fn on_event(&self, event: &RetryEvent<'_>) {
        match event {
            RetryEvent::Scheduled { method, class, .. } => {
                let method = method_name(method);
                counter!(RETRIES, "method" => method, "class" => class_name(*class)).increment(1);
            }
            RetryEvent::Resent { method, .. } => {
                counter!(REPLAYS, "method" => method_name(method)).increment(1);
            }
            RetryEvent::GaveUp { method, stop, .. } => {
                let method = method_name(method);
                let reason = stop_name(*stop);
                counter!(RETRIES_GIVEN_UP, "method" => method, "reason" => reason).increment(1);
            }
            RetryEvent::GateClosed { .. } => counter!(THROTTLED).increment(1),
            RetryEvent::Held { .. } => counter!(HELD).increment(1),
            // Both follow an event that is counted: a closed gate or a waiting
            // request.
            RetryEvent::Released { .. } | RetryEvent::Widened { .. } => {}
        }
    }
}

impl CallObserver for Metrics {
    fn on_call(&self, event: &CallEvent<'_>) {
        let scope = event.scope.as_str();
        let template = event.template.unwrap_or("other").to_owned();
        let status = match (event.status, event.error) {
            (Some(status), _) => status.as_str().to_owned(),
            (None, error) => error.unwrap_or("transport").to_owned(),
        };
        histogram!(CALL_SECONDS, "scope" => scope, "method" => event.method, "template" => template, "status" => status)
            .record(event.took);
    }
}

impl StoreObserver for Metrics {
    fn on_event(&self, event: &StoreEvent<'_>) {
        match event {
            StoreEvent::Missed { kind } => {
                counter!(STORE_MISSES, "kind" => kind.as_str()).increment(1);
            }
            StoreEvent::Failed { operation, error } => {
                let (operation, kind) = (operation.as_str(), error.kind().as_str());
                counter!(STORE_FAILURES, "operation" => operation, "kind" => kind).increment(1);
            }
            // All other events differ only by name.
            _ => counter!(STORE_EVENTS, "event" => event.as_str()).increment(1),
        }
    }
}

impl LimitObserver for Metrics {
    fn on_event(&self, event: &LimitEvent) {
        counter!(LIMIT_EVENTS, "event" => event.as_str()).increment(1);
        match event {
            LimitEvent::Reserved { slots, limit, .. } => {
                counter!(LIMIT_SLOTS).increment(u64::from(*slots));
                gauge!(LIMIT_IN_USE).set(f64::from(*limit));
                gauge!(LIMIT_ALONE).set(0.0);
            }
            LimitEvent::Waited { waited } => {
                histogram!(LIMIT_WAIT_SECONDS).record(*waited);
            }
            LimitEvent::WentAlone { .. } => gauge!(LIMIT_ALONE).set(1.0),
            LimitEvent::Rejoined {} => gauge!(LIMIT_ALONE).set(0.0),
            // The counter above is all that the others need.
            _ => {}
        }
    }
}

/// Returns the label of a rejection.
const fn rejected(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Superseded => "superseded",
        Rejection::Renewing => "renewing",
        Rejection::Damped => "damped",
        Rejection::Cooldown => "cooldown",
        Rejection::CannotRenew => "cannot_renew",
        Rejection::NotTheToken => "not_the_token",
    }
}

/// Returns the label of a failure's class.
const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Final => "final",
        Class::Throttled { .. } => "throttled",
        Class::NotSent => "not_sent",
        Class::Unprocessed => "unprocessed",
        Class::StaleConnection => "stale_connection",
        Class::Transient { .. } => "transient",
    }
}

/// Returns the label of the reason why a call ended.
const fn stop_name(stop: Stop) -> &'static str {
    match stop {
        Stop::Settled => "settled",
        Stop::Disabled => "disabled",
        Stop::NotRepeatable => "not_repeatable",
        Stop::BodyGone => "body_gone",
        Stop::SendsSpent => "sends_spent",
        Stop::RetryAfterTooLong => "retry_after_too_long",
        Stop::DeadlineTooClose => "deadline_too_close",
        Stop::NoRuntime => "no_runtime",
        Stop::BudgetSpent => "budget_spent",
    }
}
