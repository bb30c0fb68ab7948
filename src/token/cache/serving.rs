use std::{sync::Arc, task::Waker};

use super::{
    Invalidation,
    cell::WaiterId,
    machine::{Ask, Decision, Start},
    renewal,
    shared::{Shared, runtime},
};
use crate::token::{AccessToken, Generation, Rejection, TokenError, TokenEvent};

/// The calls of a cache's callers. Each one may start a renewal, which is
/// independent of the caller.
impl Shared {
    /// Returns the token to send now, without waiting. Takes the lock only for
    /// a decision.
    #[inline]
    pub(super) fn try_current(self: &Arc<Self>) -> Option<AccessToken> {
        match self.cell.hit(self.clock.stamp()) {
            Some(token) => Some(token),
            None => self.ask_for_current(),
        }
    }

    /// Does the same by the exact clocks, on the state in the lock.
    #[cold]
    pub(super) fn ask_for_current(self: &Arc<Self>) -> Option<AccessToken> {
        let (decision, start) = self.cell.ask(Ask::default(), self.clock.now());
        if let Some(start) = start {
            // Without a runtime the cache serves the token until it expires.
            let _ = self.start(start);
        }
        match decision {
            Decision::Serve(token) => Some(token),
            _ => None,
        }
    }

    /// Returns the visible token, without the lock, if it is newer than this
    /// one.
    pub(super) fn newer(&self, than: Generation) -> Option<AccessToken> {
        let token = self.cell.hit(self.clock.stamp());
        token.filter(|token| token.generation() > than)
    }

    /// Asks on behalf of a waiting caller, and starts a renewal if one is
    /// needed.
    pub(super) fn ask_or_wait(
        self: &Arc<Self>,
        ask: Ask,
        waiter: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Result<Decision, TokenError> {
        let (decision, start) = self.cell.ask_or_wait(ask, waiter, waker, self.clock.now());
        // Without a runtime, only a caller that must wait for this renewal gets
        // an error.
        match (start.map(|start| self.start(start)), decision) {
            (Some(Err(error)), Decision::Wait { .. }) => Err(error),
            (_, decision) => Ok(decision),
        }
    }

    pub(super) fn report(self: &Arc<Self>, generation: Generation) -> Rejection {
        let (rejection, start) = self.cell.refuse(generation, self.clock.now());
        let rejection = match start.map(|start| self.start(start)) {
            Some(Err(_)) => Rejection::CannotRenew,
            _ => rejection,
        };
        self.tell(&TokenEvent::Rejected {
            generation,
            rejection,
        });
        rejection
    }

    pub(super) fn invalidate(self: &Arc<Self>) -> Invalidation {
        let (invalidation, start) = self.cell.invalidate(self.clock.now());
        match start.map(|start| self.start(start)) {
            Some(Err(_)) => Invalidation::NoRuntime,
            _ => invalidation,
        }
    }

    fn start(self: &Arc<Self>, start: Start) -> Result<(), TokenError> {
        let (id, reason) = (start.id, start.reason);
        // No request was sent yet, so this is an abort and not a failure: the
        // next caller inside a runtime starts another renewal.
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                self.abort(id);
                return Err(error);
            }
        };
        // The renewal exists before the observer runs, so that it ends even if
        // the observer panics.
        let renewal = renewal::run(Arc::clone(self), start);
        self.tell(&TokenEvent::Started { reason });
        self.keep(id, runtime.spawn(renewal));
        Ok(())
    }
}
