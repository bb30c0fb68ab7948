//! The result of each send: its class, and what the caller and the observer
//! learn about it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, SystemTime},
};

use http::{Response, StatusCode};
use tokio::time::Instant;

use super::{Call, Cause, FailedSend, Pause};
use crate::{
    replay::{CloneBody, Resend, Unreplayed},
    retry::{Class, Classify, GaveUp, Outcome, ResponseHead, RetryAfter, RetryEvent, Stop},
};

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// Returns the pause before the next send, or `None` if the caller gets
    /// this result.
    ///
    /// With a pause, the older body is invalidated, and the result is of no
    /// more use. Without one, the [`Outcome`] in the result says why the call
    /// ends.
    pub(in crate::retry) fn after<R, E>(
        &mut self,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Pause>
    where
        C: Classify<E>,
        E: 'static,
    {
        // The layer outside decides.
        if self.passes() {
            return None;
        }
        // After a 401 with a newer token the API has not failed, so neither the
        // classifier nor the budget decides.
        if let Ok(response) = result {
            if response.extensions().get::<Resend>().is_some() {
                return self.after_resend(response);
            }
        }
        let failed = self.classify(result);
        let class = failed.class;
        if class == Class::Final {
            self.finish(result, Stop::Settled);
            return None;
        }
        match self.decide(failed) {
            Ok(pause) => {
                self.begin(class, &pause);
                Some(pause)
            }
            Err(stop) => {
                let (method, sends) = (self.target().0, self.sends);
                self.settings.tell(&RetryEvent::GaveUp {
                    method,
                    class,
                    sends,
                    stop,
                });
                self.finish(result, stop);
                None
            }
        }
    }

    /// Returns the class and the cause of a result.
    fn classify<R, E>(&self, result: &Result<Response<R>, E>) -> FailedSend
    where
        C: Classify<E>,
    {
        let class = self.ask_classifier(result);
        match result {
            // The options of the request name statuses only for responses that
            // the classifier calls final: it may know more, such as that the
            // response is a 429.
            Ok(response) if class == Class::Final && self.names(response.status()) => FailedSend {
                class: Class::Transient {
                    after: RetryAfter::from_headers(response.headers(), SystemTime::now()),
                },
                cause: Cause::Named(response.status()),
            },
            Ok(_) => FailedSend {
                class,
                cause: Cause::Response,
            },
            Err(_) => FailedSend {
                class,
                cause: Cause::Broken,
            },
        }
    }

    /// Whether the options of this request name this status as transient. A
    /// success never is.
    fn names(&self, status: StatusCode) -> bool {
        if status.is_success() {
            return false;
        }
        let transient = self.options().transient;
        transient.is_some_and(|it| it.statuses.contains(&status))
    }

    /// Asks the classifier, which may be foreign code. If it panics, the caller
    /// still gets the response.
    fn ask_classifier<R, E>(&self, result: &Result<Response<R>, E>) -> Class
    where
        C: Classify<E>,
    {
        let (classify, request) = (&self.settings.classify, self.request());
        let ask = || match result {
            Ok(response) => classify.response(request, ResponseHead::of(response)),
            Err(error) => classify.error(request, error),
        };
        catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| {
            tracing::error!("the classifier panicked: the response is returned as it is");
            Class::Final
        })
    }

    /// Follows the request of a layer further in to resend with a newer token.
    fn after_resend<R>(&mut self, response: &mut Response<R>) -> Option<Pause> {
        // A call is replayed once: a 401 to the newer token has another cause.
        // Otherwise the copy is claimed, which fails if the body was not kept.
        let unreplayed = if self.replayed {
            Unreplayed::AlreadyReplayed
        } else if !self.claim() {
            Unreplayed::BodyGone
        } else {
            self.replayed = true;
            // The deadline counts from here at the latest: the service may take
            // long to be ready.
            self.started();
            let (method, sends) = (self.target().0, self.sends);
            self.settings.tell(&RetryEvent::Resent { method, sends });
            return Some(Pause::None);
        };
        response.extensions_mut().remove::<Resend>();
        response.extensions_mut().insert(unreplayed);
        self.tell_outcome(response, Stop::Settled);
        None
    }

    /// Returns the pause before the attempt that replaces one that took too
    /// long, or `None` if no other can follow.
    pub(in crate::retry) fn time_out(&mut self) -> Option<Pause> {
        let class = Class::Transient { after: None };
        let cause = Cause::Broken;
        let pause = self.decide(FailedSend { class, cause }).ok()?;
        self.begin(class, &pause);
        Some(pause)
    }

    /// Reports a resend, and starts its pause.
    fn begin(&mut self, class: Class, pause: &Pause) {
        let wait = match pause {
            Pause::None => Duration::ZERO,
            Pause::Until(until) => until.saturating_duration_since(Instant::now()),
            Pause::Queued(ticket) => ticket.at().saturating_duration_since(Instant::now()),
        };
        let (method, sends) = (self.target().0, self.sends);
        self.settings.tell(&RetryEvent::Scheduled {
            method,
            class,
            sends,
            wait,
        });
        if let Pause::Queued(ticket) = pause {
            self.tell_queued(ticket);
        }
        self.pause();
    }

    #[inline]
    fn finish<R, E: 'static>(&self, result: &mut Result<Response<R>, E>, stop: Stop) {
        match result {
            Ok(response) => self.tell_outcome(response, stop),
            Err(error) => GaveUp::mark(error, self.outcome(stop)),
        }
    }

    fn outcome(&self, stop: Stop) -> Outcome {
        Outcome {
            stop,
            sends: self.sends,
            elapsed: self.started.map_or(Duration::ZERO, |it| it.elapsed()),
            waited: self.waited,
            waited_for_slots: self.waited_for_slots,
        }
    }

    #[inline]
    fn tell_outcome<R>(&self, response: &mut Response<R>, stop: Stop) {
        // Inserting into empty extensions allocates. A response to a first send
        // that did not wait needs no outcome.
        if stop != Stop::Settled || self.sends > 1 || !self.waited.is_zero() {
            self.mark(response, stop);
        }
    }

    #[cold]
    fn mark<R>(&self, response: &mut Response<R>, stop: Stop) {
        response.extensions_mut().insert(self.outcome(stop));
    }
}
