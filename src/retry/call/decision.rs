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
/// Two are enough for a connection that is replaced while a burst is on it: the
/// first resend finds the next connection or the stream limit of this one, the
/// second survives a race between the two.
const MOST_FREE: u32 = 2;

/// How a request would be sent again.
struct Plan {
    is_free: bool,
    at_once: bool,
    /// What the server asked for.
    asked: Option<Duration>,
    wait: Duration,
    is_too_long: bool,
}

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// Decides whether and when to resend. If it does, it invalidates the older
    /// body.
    ///
    /// The connection may still be sending the older body, which can make the
    /// copy useless at any moment: only a claimed copy is safe. The claim comes
    /// last, because it makes the old response useless.
    pub(super) fn decide(&mut self, failed: FailedSend) -> Result<Pause, Stop> {
        let (class, now) = (failed.class, self.now());
        let plan = self.plan(class);
        // The gate closes whatever becomes of this call: the others are to hear
        // of a 429 even if this request goes no further. A wait that no call
        // would accept closes nothing.
        let gate = match class {
            // For the others, even if this request itself goes no further.
            Class::Throttled { .. } if !plan.is_too_long => {
                self.close(now, plan.asked.unwrap_or(plan.wait), plan.wait)
            }
            _ => None,
        };
        let pause = self.check(failed, &plan, now, gate.as_ref());
        // After the checks, since a claim revokes the older body; before the
        // pause, since that may be lost meanwhile.
        let pause = match pause {
            Ok(_) if !self.claim() => Err(Stop::BodyGone),
            pause => pause,
        };
        if let Some(gate) = gate {
            self.explain(gate, matches!(pause, Ok(Pause::Queued(_))));
        }
        pause
    }

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

    /// The order of the checks is that of the module's docs.
    fn check(
        &mut self,
        failed: FailedSend,
        plan: &Plan,
        now: Instant,
        gate: Option<&Closed>,
    ) -> Result<Pause, Stop> {
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
        // A failure without load for the API skips the gate and the budget.
        if plan.is_free {
            self.free_resends += 1;
            return Ok(Pause::Until(until));
        }
        // After a 429 the queue of the gate takes the place of the budget: it
        // bounds the rate, and the server has said when.
        if let Some(gate) = gate {
            let deadline = self.deadline();
            let entered = gate
                .throttle
                .enter_gate(&gate.endpoint, Some(until), deadline);
            return match entered {
                Passage::Queued(ticket) => Ok(Pause::Queued(ticket)),
                Passage::TooLong => Err(Stop::DeadlineTooClose),
                Passage::Open => Ok(Pause::Until(until)),
            };
        }
        let governed = !matches!(failed.class, Class::Throttled { .. });
        let budget = self.upstream().budget().filter(|_| governed);
        if budget.is_some_and(|budget| !budget.withdraw(now)) {
            return Err(Stop::BudgetSpent);
        }
        Ok(Pause::Until(until))
    }

    /// How long the server asked to wait, and how long it will be.
    fn wait(&mut self, class: Class) -> (Option<Duration>, Duration) {
        let rng = self.rng.get_or_insert_with(|| self.settings.rng());
        // An immediate resend does not advance the backoff.
        let at_once = u32::from(self.resent) + self.free_resends.min(1);
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

    /// Until when another send may begin after a failure of this kind.
    fn last_send(&mut self, cause: Cause) -> Instant {
        let deadline = self.deadline();
        match (cause, self.options().transient) {
            (Cause::Named(_), Some(transient)) => deadline.min(self.end_of(transient.within)),
            _ => deadline,
        }
    }

    fn may_repeat(&self, failed: FailedSend) -> bool {
        // A request that the server has not executed may be repeated whatever
        // its method; one that it may have executed, only if twice is the same
        // as once. The caller's word goes before the layer's, and both before
        // the method.
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
    /// Whether the server said that it did not do what the request asks for:
    /// then any method may be sent again. Of the statuses of a client's error,
    /// 408 alone does not say so.
    fn is_refusal(self) -> bool {
        match self {
            Self::Named(status) => {
                status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
            }
            Self::Response | Self::Broken => false,
        }
    }
}
