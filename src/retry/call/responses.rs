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
    /// Returns the pause before the next send. The response is then useless,
    /// and the older body is invalidated. If the call does not resend a
    /// retryable response, its `Outcome` says why.
    pub(in crate::retry) fn after<R, E>(
        &mut self,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Pause>
    where
        C: Classify<E>,
        E: 'static,
    {
        // A layer outside decides: two that do would multiply their sends.
        if self.passes() {
            return None;
        }
        // The API has not failed, its token was replaced: neither classifier
        // nor budget is asked.
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
        // The observer hears of both ends; the caller reads the outcome of a
        // call that stops.
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

    fn classify<R, E>(&self, result: &Result<Response<R>, E>) -> FailedSend
    where
        C: Classify<E>,
    {
        let class = self.ask_classifier(result);
        match result {
            // The classifier's word counts where it says more than that it is
            // final.
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

    /// Whether the options of this request say that this status is transient
    /// for it.
    fn names(&self, status: StatusCode) -> bool {
        if status.is_success() {
            return false;
        }
        let transient = self.options().transient;
        transient.is_some_and(|it| it.statuses.contains(&status))
    }

    /// A classifier is the caller's code. If it panics, the answer is returned
    /// as it is, which is more than the caller would get otherwise.
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
            tracing::error!("the classifier panicked: the answer is returned as it is");
            Class::Final
        })
    }

    /// A layer further in asks to send the request again with a newer token.
    fn after_resend<R>(&mut self, response: &mut Response<R>) -> Option<Pause> {
        // Once for each call: a second 401 with a fresh token has another
        // cause.
        let unreplayed = if self.resent {
            Unreplayed::AlreadyReplayed
        } else if !self.claim() {
            Unreplayed::BodyGone
        } else {
            self.resent = true;
            // The service may take long to be ready for it.
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

    /// The attempt took too long: what comes before the next one, if there is
    /// one.
    pub(in crate::retry) fn time_out(&mut self) -> Option<Pause> {
        let class = Class::Transient { after: None };
        let cause = Cause::Broken;
        let pause = self.decide(FailedSend { class, cause }).ok()?;
        self.begin(class, &pause);
        Some(pause)
    }

    /// Before the pause: the old body is revoked by now.
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
        // A response can carry the outcome; an error can only be put into
        // another one.
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
        // To insert into empty extensions allocates: a plain success goes
        // without.
        if stop != Stop::Settled || self.sends > 1 || !self.waited.is_zero() {
            self.mark(response, stop);
        }
    }

    #[cold]
    fn mark<R>(&self, response: &mut Response<R>, stop: Stop) {
        response.extensions_mut().insert(self.outcome(stop));
    }
}
