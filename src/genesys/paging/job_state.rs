//! What a job says while it is waited for: its states, the pauses between
//! polls, and the errors for jobs that end without results.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use super::{PageError, PageErrorKind, plan::Plan};
use crate::{
    genesys::api_error::{Shown, clean},
    runtime,
};

/// The longest pause between two polls of a job.
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

/// The shortest first pause, whatever the settings say, so that the stream
/// never polls in a tight loop. It grows like any other.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// The meaning of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Done,
    Failed,
    Cancelled,
    Expired,
    /// No word of the API definition.
    Unknown,
}

/// The pauses between polls, and the time limit for all of them.
pub(super) struct Patience {
    began: Instant,
    /// The next pause.
    interval: Duration,
    /// The time limit, from `began` on.
    longest: Duration,
}

impl Patience {
    /// Starts the clock. The caller's interval is clamped to the bounds above.
    pub(super) fn new(plan: &Plan) -> Self {
        let interval = plan.settings.poll_interval;
        Self {
            began: Instant::now(),
            interval: interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL),
            longest: plan.settings.job_timeout,
        }
    }

    /// Waits. The next pause is half as long again.
    ///
    /// # Errors
    ///
    /// [`PageErrorKind::NoRuntime`] outside of a tokio runtime, where a timer
    /// would panic.
    pub(super) async fn pause(&mut self) -> Result<(), PageError> {
        if !runtime::is_entered() {
            let message = "the wait for a job needs a tokio runtime, and the stream was polled \
                           outside of one; poll it inside of one";
            return Err(PageError::new(PageErrorKind::NoRuntime, message));
        }
        sleep(self.interval).await;
        self.interval = (self.interval * 3 / 2).min(LONGEST_INTERVAL);
        Ok(())
    }

    /// Fails if the time limit would end before the next poll.
    pub(super) fn check(&self, state: &str) -> Result<(), PageError> {
        if self.began.elapsed() + self.interval > self.longest {
            return Err(late(state, self.began.elapsed()));
        }
        Ok(())
    }
}

/// The words for a job that is not done, in lower case and without underscores.
const RUNNING: [&str; 6] = [
    "queued",
    "pending",
    "running",
    "submitted",
    "inprogress",
    "processing",
];

/// Reads a state in any case: `FULFILLED` of analytics, `Succeeded` of audits
/// and work items, `Complete` of usage, and so on.
pub(super) fn read(state: &str) -> State {
    let state: String = state.chars().filter(|char| *char != '_').collect();
    match &*state.to_ascii_lowercase() {
        running if RUNNING.contains(&running) => State::Running,
        "fulfilled" | "succeeded" | "complete" | "completed" | "success" => State::Done,
        "failed" | "error" => State::Failed,
        "cancelled" | "canceled" => State::Cancelled,
        "expired" => State::Expired,
        _ => State::Unknown,
    }
}

/// Returns whether a page with this state is not complete. An unknown state
/// counts as complete, because the field may mean something else.
pub(super) fn is_running(state: &str) -> bool {
    read(state) == State::Running
}

/// How much of the API's message about a failed job an error shows, in
/// characters.
const MOST_MESSAGE: usize = 300;

pub(super) fn cancelled() -> PageError {
    let message = "the job was cancelled at the API; start afresh";
    PageError::new(PageErrorKind::JobCancelled, message)
}

pub(super) fn expired() -> PageError {
    let message = "the job has expired and its results are deleted; start afresh";
    PageError::new(PageErrorKind::JobExpired, message)
}

/// Turns a 404 or 410 into [`PageErrorKind::JobExpired`]: the stream has the id
/// from the API, so the job existed.
pub(super) fn gone(error: PageError) -> PageError {
    let status = error.api().map(|api| api.status());
    if matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::GONE)) {
        return error.into_expired_job();
    }
    error
}

pub(super) fn failed(why: Option<&str>) -> PageError {
    let why = why.and_then(clean);
    let why = why.as_deref().unwrap_or("the API does not say why");
    let why = Shown::new(why.trim_end_matches('.'), MOST_MESSAGE);
    let message =
        format!("the job has failed: {why}; start afresh, with a smaller request if necessary");
    PageError::new(PageErrorKind::JobFailed, message)
}

pub(super) fn late(state: &str, waited: Duration) -> PageError {
    let state = Shown::new(state, 40);
    let message = format!(
        "the job was still {state} after {} s; resume from the checkpoint to wait for it again, or \
         allow more time (`with_job_timeout`)",
        waited.as_secs()
    );
    PageError::new(PageErrorKind::JobTimedOut, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_every_kind_of_job_are_understood() {
        for (text, state) in [
            ("QUEUED", State::Running),
            ("PENDING", State::Running),
            ("Running", State::Running),
            ("IN_PROGRESS", State::Running),
            ("FULFILLED", State::Done),
            ("Succeeded", State::Done),
            ("Complete", State::Done),
            ("FAILED", State::Failed),
            ("Failed", State::Failed),
            ("CANCELLED", State::Cancelled),
            ("Cancelled", State::Cancelled),
            ("EXPIRED", State::Expired),
            ("active", State::Unknown),
            ("", State::Unknown),
        ] {
            assert_eq!(read(text), state, "{text}");
        }
    }
}
