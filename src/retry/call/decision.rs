//! Whether a failed send is followed by another one, and when.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::{Call, Cause, Closed, FailedSend, Pause};
use crate::{
    replay::CloneBody,
    retry::{Class, Stop},
    runtime,
    throttle::Passage,
};

/// The number of resends of a call outside of the budget, after failures that
/// cost the API nothing.
///
/// Two are enough when a server replaces a connection during a burst: if the
/// immediate resend meets the same failure, the second follows after the
/// backoff, when the next connection is there.
const MOST_FREE: u32 = 2;

/// How a resend would be made, if there is one.
struct Plan {
    /// The failure cost the API nothing: the resend waits at no gate and draws
    /// on no budget.
    is_free: bool,
    /// The resend is made without a wait.
    at_once: bool,
    /// The wait that the server asked for.
    asked: Option<Duration>,
    /// The wait before the resend: what the server asked for, with jitter, or
    /// the backoff.
    wait: Duration,
    /// The server asked for more than the policy accepts.
    is_too_long: bool,
}

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// Decides whether and when to resend. If the call resends, this
    /// invalidates the older body.
    ///
    /// The connection may still be sending the older body, which can make the
    /// copy useless at any moment: only a claimed copy is safe.
    pub(super) fn decide(&mut self, failed: FailedSend) -> Result<Pause, Stop> {
        let (class, now) = (failed.class, self.now());
        let plan = self.plan(class);
        // A 429 closes the gate even if this call ends with it: the other calls
        // must wait. A wait that no call would accept closes nothing.
        let gate = match class {
            Class::Throttled { .. } if !plan.is_too_long => {
                self.close(now, plan.asked.unwrap_or(plan.wait), plan.wait)
            }
            _ => None,
        };
        let checked = self.check(failed, &plan, now);
        let pause = checked.and_then(|until| self.charge(class, &plan, now, until, gate.as_ref()));
        // The claim comes after the checks, because it invalidates the older
        // body, and the response of the older attempt with it. It comes before
        // the pause, because the copy may be lost meanwhile.
        let pause = match pause {
            Ok(_) if !self.claim() => Err(Stop::BodyGone),
            pause => pause,
        };
        if let Some(gate) = gate {
            self.explain(gate, matches!(pause, Ok(Pause::Queued(_))));
        }
        pause
    }

    /// Plans the resend after a failure of this class.
    fn plan(&mut self, class: Class) -> Plan {
        let is_free = class.is_no_load() && self.free_resends < MOST_FREE;
        let at_once = is_free && self.free_resends == 0;
        let (asked, wait) = match at_once {
            true => (None, Duration::ZERO),
            false => self.wait(class),
        };
        let cap = self.settings.policy.retry_after_cap;
        Plan {
            is_free,
            at_once,
            asked,
            wait,
            is_too_long: asked.is_some_and(|asked| asked > cap),
        }
    }

    /// Checks whether the call may resend, and returns when. Changes nothing.
    ///
    /// The order of the checks is that of the table in the docs of
    /// [`retry`](crate::retry): the caller gets the first reason that applies.
    fn check(&mut self, failed: FailedSend, plan: &Plan, now: Instant) -> Result<Instant, Stop> {
        if self.options().without_retry {
            return Err(Stop::Disabled);
        }
        if !self.may_repeat(failed) {
            return Err(Stop::NotRepeatable);
        }
        if !self.is_replayable() {
            return Err(Stop::BodyGone);
        }
        if !self.sends_left() {
            return Err(Stop::SendsSpent);
        }
        if plan.is_too_long {
            return Err(Stop::RetryAfterTooLong);
        }
        let until = now.checked_add(plan.wait).ok_or(Stop::DeadlineTooClose)?;
        if until >= self.last_send(failed.cause) {
            return Err(Stop::DeadlineTooClose);
        }
        if !plan.at_once && !runtime::is_entered() {
            return Err(Stop::NoRuntime);
        }
        Ok(until)
    }

    /// Takes what the resend costs: a place in the queue of the gate, or a
    /// permit of the budget.
    ///
    /// It follows the checks, so that a call that fails one of them takes
    /// nothing.
    fn charge(
        &mut self,
        class: Class,
        plan: &Plan,
        now: Instant,
        until: Instant,
        gate: Option<&Closed>,
    ) -> Result<Pause, Stop> {
        if plan.is_free {
            self.free_resends += 1;
            return Ok(Pause::Until(until));
        }
        // After a 429, the queue of the gate replaces the budget: it bounds the
        // rate, and the server has named the time.
        if let Some(gate) = gate {
            let deadline = self.deadline();
            let entered = gate
                .throttle
                .enter_gate(&gate.endpoint, Some(until), deadline);
            // A throttle without gates, which only gives out slots, is always
            // open. This call then waits as long as the server asked for.
            return match entered {
                Passage::Queued(ticket) => Ok(Pause::Queued(ticket)),
                Passage::TooLong => Err(Stop::DeadlineTooClose),
                Passage::Open => Ok(Pause::Until(until)),
            };
        }
        // A 429 draws on no budget, also if the upstream has no throttle.
        let governed = !matches!(class, Class::Throttled { .. });
        let budget = self.upstream().budget().filter(|_| governed);
        if budget.is_some_and(|budget| !budget.withdraw(now)) {
            return Err(Stop::BudgetSpent);
        }
        Ok(Pause::Until(until))
    }

    /// Returns the wait that the server asked for, and the actual wait.
    fn wait(&mut self, class: Class) -> (Option<Duration>, Duration) {
        let rng = self.rng.get_or_insert_with(|| self.settings.rng());
        // An immediate resend does not advance the backoff: neither a replay
        // nor the first resend outside of the budget.
        let at_once = u32::from(self.replayed) + self.free_resends.min(1);
        let retry = self.sends.saturating_sub(at_once);
        let backoff = self.settings.policy.backoff.wait(retry, rng);
        match class {
            // A `Retry-After` of zero is ignored: following it would hammer the
            // server.
            Class::Throttled { after: Some(after) } | Class::Transient { after: Some(after) }
                if !after.get().is_zero() =>
            {
                (Some(after.get()), after.jittered(rng))
            }
            _ => (None, backoff),
        }
    }

    /// Returns the time before which the next send must begin.
    ///
    /// A status that only the options of the request name has its own limit.
    fn last_send(&mut self, cause: Cause) -> Instant {
        let deadline = self.deadline();
        match (cause, self.options().transient) {
            (Cause::Named(_), Some(transient)) => deadline.min(self.end_of(transient.within)),
            _ => deadline,
        }
    }

    /// Whether the request may be sent once more without the risk of doing its
    /// work twice.
    fn may_repeat(&self, failed: FailedSend) -> bool {
        // If the server may have executed the request, its options decide
        // first, then the layer's predicate, then the method.
        match failed.class {
            Class::Final => false,
            Class::Throttled { .. } | Class::NotSent | Class::Unprocessed => true,
            Class::Transient { .. } if failed.cause.is_refusal() => true,
            Class::Transient { .. } | Class::StaleConnection => {
                let (method, uri) = self.target();
                let predicate = || self.settings.repeatable.as_ref()?(method, uri);
                let repeatable = self.options().repeatable.or_else(predicate);
                let broken = failed.cause == Cause::Broken;
                repeatable.unwrap_or_else(|| self.settings.policy.repeats(method, broken))
            }
        }
    }
}

impl Cause {
    /// Whether the server stated that it did not execute the request. Then any
    /// method may be resent. Of the 4xx, only 408 does not state that.
    fn is_refusal(self) -> bool {
        match self {
            Self::Named(status) => {
                status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
            }
            Self::Response | Self::Broken => false,
        }
    }
}
