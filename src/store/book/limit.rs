use std::{fmt, sync::Arc};

use super::{LimitEvent, LimitObserver, Terms};

/// The rate limit that a process, or a fleet of them, keeps to.
///
/// Given to [`Sharing::with_limit`](crate::Sharing::with_limit), the processes of a fleet share it;
/// given to [`OrgBuilder::limit`](crate::genesys::OrgBuilder::limit), one process keeps to it
/// alone. Each send takes a slot, and waits for it where there is none. The [module](super) says
/// how.
///
/// # Default
///
/// A quarter of the limit may go at once after a time of rest, so that a job of 75 requests is not
/// slowed by a limit of 300.
///
/// ```
/// use tower_genesys::store::Limit;
///
/// // A batch tool that mostly has the limit to itself:
/// let limit = Limit::per_minute(300).with_burst(0.8);
/// # let _ = limit;
/// ```
#[derive(Clone)]
pub struct Limit {
    /// `None`: to be learned.
    stated: Option<u32>,
    burst: f64,
    observer: Option<Arc<dyn LimitObserver>>,
}

impl Limit {
    /// What part of the limit may go at once: a lone job of that size is not slowed, and whoever
    /// comes beside a job waits for two seconds at most. Measured: 0.5 lets an interactive caller
    /// wait for four.
    pub const DEFAULT_BURST: f64 = 0.25;

    /// This many requests in any minute, for all who share it.
    ///
    /// Zero, and more than [`Terms::MAX_LIMIT`], are an error where the organisation is built.
    pub const fn per_minute(requests: u32) -> Self {
        Self {
            stated: Some(requests),
            burst: Self::DEFAULT_BURST,
            observer: None,
        }
    }

    /// The limit that the first 429 names. Until then nothing is paced.
    ///
    /// Once one process has learned it, the others know it within a minute, or with their own
    /// first 429. It is forgotten when nobody has sent for two minutes.
    pub const fn learned() -> Self {
        Self {
            stated: None,
            burst: Self::DEFAULT_BURST,
            observer: None,
        }
    }

    /// What part of the limit may go at once after a time of rest, from 0 to 1. What goes at once
    /// is gone for the rest of the minute: the more, the longer others wait. Default: 0.25.
    ///
    /// Anything else is an error where the organisation is built.
    #[must_use]
    pub const fn with_burst(mut self, part: f64) -> Self {
        self.burst = part;
        self
    }

    /// Who is told what happens. Default: nobody but `tracing`.
    #[must_use]
    pub fn with_observer(mut self, observer: impl LimitObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let most = Terms::MAX_LIMIT;
        match self.stated {
            Some(0) => {
                return Err(
                    "a limit of 0 requests a minute lets nothing through; state what Genesys grants \
                     the client (300 by default), or use `Limit::learned`"
                        .to_owned(),
                );
            }
            Some(limit) if limit > most => {
                return Err(format!(
                    "a limit of {limit} requests a minute is above {most}, the most that can be \
                     kept; leave the limit out"
                ));
            }
            _ => {}
        }
        if !(0.0..=1.0).contains(&self.burst) {
            return Err(format!(
                "a burst of {} is no part of the limit; `Limit::with_burst` takes 0 to 1",
                self.burst
            ));
        }
        Ok(())
    }

    pub(crate) fn stated(&self) -> Option<Terms> {
        self.stated.map(|limit| self.terms(limit))
    }

    /// This many requests, with this burst.
    pub(crate) fn terms(&self, limit: u32) -> Terms {
        let burst = f64::from(limit) * self.burst;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range, since the burst was checked; the cast saturates otherwise"
        )]
        let burst = burst as u32;
        Terms::new(limit, burst)
    }

    pub(crate) fn tell(&self, event: &LimitEvent) {
        event.trace();
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("per_minute", &self.stated)
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}
