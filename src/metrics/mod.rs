//! Counts the events of the token cache, the retry layer and a shared store, through the [`metrics`]
//! facade.
//!
//! [`Metrics`] is an observer of both: give it to
//! [`TokenCacheBuilder::observer`](crate::token::TokenCacheBuilder::observer) (or
//! [`OrgBuilder::observer`](crate::genesys::OrgBuilder::observer)) and to
//! [`RetryLayer::with_observer`](crate::RetryLayer::with_observer). The recorder that your program
//! installs exports the numbers, for example to Prometheus.
//!
//! | name | kind | labels | counts |
//! |---|---|---|---|
//! | `tower_genesys_token_renewals_total` | counter | `reason`, `outcome` | renewals that have ended |
//! | `tower_genesys_token_renewal_seconds` | histogram | `reason` | how long they took |
//! | `tower_genesys_token_rejections_total` | counter | `outcome` | 401s that were reported to the cache |
//! | `tower_genesys_retries_total` | counter | `method`, `class` | retries |
//! | `tower_genesys_replays_total` | counter | `method` | replays after a 401 |
//! | `tower_genesys_retries_given_up_total` | counter | `method`, `reason` | failures returned to the caller |
//! | `tower_genesys_throttled_total` | counter | – | times an endpoint was closed by a 429 |
//! | `tower_genesys_held_total` | counter | – | requests that waited at a closed endpoint |
//! | `tower_genesys_call_seconds` | histogram | `scope`, `method`, `template`, `status` | how long calls and attempts took |
//! | `tower_genesys_limit_events_total` | counter | `event` | events of a shared limit |
//! | `tower_genesys_limit_slots_total` | counter | – | slots that were reserved |
//! | `tower_genesys_limit_wait_seconds` | histogram | – | how long sends waited for slots |
//! | `tower_genesys_limit_requests_per_minute` | gauge | – | the limit in use |
//! | `tower_genesys_limit_alone` | gauge | – | 1 while the process keeps to its share by itself |
//! | `tower_genesys_store_events_total` | counter | `event` | events of a shared token |
//! | `tower_genesys_store_misses_total` | counter | `kind` | values in the store that could not be used |
//! | `tower_genesys_store_failures_total` | counter | `operation`, `kind` | operations of the store that failed |
//!
//! `reason` of a renewal is that of [`Reason`](crate::token::Reason::as_str); its `outcome` is `renewed`,
//! `abandoned`, or the kind of the [`TokenError`](crate::token::TokenErrorKind::as_str). Labels never hold
//! an id, a query or a host, so their number is bounded.
//!
//! Durations need [`SpanLayer::with_observer`](crate::SpanLayer::with_observer). Their `template` is
//! the path without ids, or `other`; their `status` is that of the response, or without a response the
//! [`error.type`](crate::spans#what-is-in-a-span).
//!
//! For a shared token, pass it to [`Sharing::with_observer`](crate::Sharing::with_observer). `event` is
//! that of [`StoreEvent::as_str`](crate::store::StoreEvent::as_str); `missed` and `failed` have separate
//! counters.
//!
//! For a limit, pass it to [`Limit::with_observer`](crate::store::Limit::with_observer). `event` is that
//! of [`LimitEvent::as_str`](crate::store::book::LimitEvent::as_str).
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use tower_genesys::{RetryLayer, metrics::Metrics};
//!
//! let layer = RetryLayer::default().with_observer(Metrics);
//! # let _ = layer;
//! ```

use metrics::{counter, gauge, histogram};

use crate::{
    retry::{Class, RetryEvent, RetryObserver, Stop},
    spans::{CallEvent, CallObserver},
    store::{
        StoreEvent, StoreObserver,
        book::{LimitEvent, LimitObserver},
    },
    token::{Reason, Rejection, TokenEvent, TokenObserver},
};

/// Counts what it observes. See the [module](self) for the names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics;

/// Renewals that have ended, by `reason` and `outcome`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const TOKEN_RENEWALS: &str = "tower_genesys_token_renewals_total";
/// How long renewals took, in seconds, by `reason`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const TOKEN_RENEWAL_SECONDS: &str = "tower_genesys_token_renewal_seconds";
/// 401s that were reported to the cache, by `outcome`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const TOKEN_REJECTIONS: &str = "tower_genesys_token_rejections_total";
/// Requests that are sent again, by `method` and `class`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const RETRIES: &str = "tower_genesys_retries_total";
/// Requests that are sent again after a 401, by `method`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const REPLAYS: &str = "tower_genesys_replays_total";
/// Failures that are returned to the caller, by `method` and `reason`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const RETRIES_GIVEN_UP: &str = "tower_genesys_retries_given_up_total";
/// How many times an endpoint was closed by a 429.
///
/// [What is normal](crate::guide::operating#metrics).
pub const THROTTLED: &str = "tower_genesys_throttled_total";
/// Requests that waited at a closed endpoint.
///
/// [What is normal](crate::guide::operating#metrics).
pub const HELD: &str = "tower_genesys_held_total";
/// How long calls and attempts took until the head of the answer, in seconds, by `scope`, `method`,
/// `template` and `status`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const CALL_SECONDS: &str = "tower_genesys_call_seconds";
/// What was done to keep a shared limit, by `event`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const LIMIT_EVENTS: &str = "tower_genesys_limit_events_total";
/// Slots of a shared limit that were reserved.
///
/// [What is normal](crate::guide::operating#metrics).
pub const LIMIT_SLOTS: &str = "tower_genesys_limit_slots_total";
/// How long sends waited for slots, in seconds.
///
/// [What is normal](crate::guide::operating#metrics).
pub const LIMIT_WAIT_SECONDS: &str = "tower_genesys_limit_wait_seconds";
/// The limit in use, in requests a minute.
///
/// [What is normal](crate::guide::operating#metrics).
pub const LIMIT_IN_USE: &str = "tower_genesys_limit_requests_per_minute";
/// 1 while the process keeps to its share of the limit by itself, else 0.
///
/// [What is normal](crate::guide::operating#metrics).
pub const LIMIT_ALONE: &str = "tower_genesys_limit_alone";
/// What was done with a shared token, by `event`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const STORE_EVENTS: &str = "tower_genesys_store_events_total";
/// Values in the store that could not be used, by `kind`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const STORE_MISSES: &str = "tower_genesys_store_misses_total";
/// Operations of the store that failed, by `operation` and `kind`.
///
/// [What is normal](crate::guide::operating#metrics).
pub const STORE_FAILURES: &str = "tower_genesys_store_failures_total";

impl TokenObserver for Metrics {
    fn on_event(&self, event: &TokenEvent<'_>) {
        let ended = |reason: Reason, outcome: &'static str| {
            counter!(TOKEN_RENEWALS, "reason" => reason.as_str(), "outcome" => outcome)
                .increment(1);
        };
        match event {
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
                let method = method.as_str().to_owned();
                counter!(RETRIES, "method" => method, "class" => class_name(*class)).increment(1);
            }
            RetryEvent::Resent { method, .. } => {
                counter!(REPLAYS, "method" => method.as_str().to_owned()).increment(1);
            }
            RetryEvent::GaveUp { method, stop, .. } => {
                let method = method.as_str().to_owned();
                let reason = stop_name(*stop);
                counter!(RETRIES_GIVEN_UP, "method" => method, "reason" => reason).increment(1);
            }
            RetryEvent::GateClosed { .. } => counter!(THROTTLED).increment(1),
            RetryEvent::Held { .. } => counter!(HELD).increment(1),
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
            _ => {}
        }
    }
}

const fn rejected(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::Superseded => "superseded",
        Rejection::Renewing => "renewing",
        Rejection::Damped => "damped",
        Rejection::Gated => "gated",
        Rejection::CannotRenew => "cannot_renew",
        Rejection::NotTheToken => "not_the_token",
    }
}

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
