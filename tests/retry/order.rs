//! The order of the checks: if there are several reasons not to retry, the
//! outcome states the first.

use std::{sync::atomic::Ordering, time::Duration};

use http::Method;
use tower::Layer;
use tower_genesys::{
    CallOptions, RetryLayer, RetryPolicy,
    retry::{Backoff, Budget, Stop, Upstream},
};

use crate::setup::{
    Answer::{RetryAfter, Status},
    Script, get, outcome, request, seconds, send,
};

/// The reasons not to retry, in the order of the docs. The test begins with all
/// of them, and removes one after the other.
const REASONS: [Stop; 7] = [
    Stop::Disabled,
    Stop::NotRepeatable,
    Stop::BodyGone,
    Stop::SendsSpent,
    Stop::RetryAfterTooLong,
    Stop::DeadlineTooClose,
    Stop::BudgetSpent,
];

#[tokio::test(start_paused = true)]
async fn the_first_of_several_reasons_is_given() {
    for (at, expected) in REASONS.into_iter().enumerate() {
        let there = |reason: Stop| REASONS[at..].contains(&reason);
        let wait = if there(Stop::RetryAfterTooLong) {
            "200"
        } else {
            "20"
        };
        let script = Script::new([], RetryAfter(503, wait));
        let policy = RetryPolicy::new()
            .with_backoff(Backoff::new().with_base(Duration::ZERO))
            .with_max_sends(if there(Stop::SendsSpent) { 1 } else { 4 })
            .with_deadline(seconds(if there(Stop::DeadlineTooClose) {
                10
            } else {
                300
            }));
        // Another call has used the only permit of the budget.
        let budget = Budget::new(1, 1);
        let upstream = Upstream::new().with_budget(budget.clone());
        let layer = RetryLayer::new(policy).with_upstream(upstream.clone());
        let other = Script::new([RetryAfter(503, "1")], Status(200));
        let spending = RetryLayer::new(policy.with_max_sends(2)).with_upstream(upstream);
        send(&spending.layer(other), get("/y")).await.unwrap();
        assert_eq!(budget.available(), 0);
        let method = if there(Stop::NotRepeatable) {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = request(method, "/x");
        if there(Stop::Disabled) {
            request
                .extensions_mut()
                .insert(CallOptions::new().without_retry());
        }
        let gone = there(Stop::BodyGone);
        request.body().state.gone.store(gone, Ordering::Relaxed);
        let response = send(&layer.layer(script.clone()), request).await.unwrap();
        assert_eq!((outcome(&response).stop, script.sends()), (expected, 1));
    }
}
