//! What jobs of all kinds call their states, and how a job ends that does not
//! come to its results.

use std::time::Duration;

use http::StatusCode;

use super::{PageError, PageErrorKind};
use crate::genesys::api_error::{Shown, clean};

/// What a state comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Done,
    Failed,
    Cancelled,
    Expired,
    /// None that the definition has.
    Unknown,
}

const RUNNING: [&str; 6] = [
    "queued",
    "pending",
    "running",
    "submitted",
    "inprogress",
    "processing",
];

/// Reads a state: `FULFILLED` of analytics, `Succeeded` of audits and work
/// items, `Complete` of usage, and so on, in whatever case.
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

/// Whether an answer of this state is not complete.
pub(super) fn is_running(state: &str) -> bool {
    read(state) == State::Running
}

/// So much of what the API says of a failed job is shown, in characters.
const MOST_MESSAGE: usize = 300;

pub(super) fn cancelled() -> PageError {
    let message = "the job was cancelled; start afresh";
    PageError::new(PageErrorKind::JobCancelled, message)
}

pub(super) fn expired() -> PageError {
    let message = "the job has expired, and its results are gone; start afresh";
    PageError::new(PageErrorKind::JobExpired, message)
}

/// A job that is not found has been there before.
pub(super) fn gone(error: PageError) -> PageError {
    let status = error.api().map(|api| api.status());
    if matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::GONE)) {
        return error.with_job(PageErrorKind::JobExpired);
    }
    error
}

pub(super) fn failed(why: Option<&str>) -> PageError {
    let why = why.and_then(clean);
    let why = why.as_deref().unwrap_or("the API does not say why");
    let why = Shown::new(why.trim_end_matches('.'), MOST_MESSAGE);
    let message =
        format!("the job has failed: {why}; start afresh, with a smaller request if need be");
    PageError::new(PageErrorKind::JobFailed, message)
}

pub(super) fn late(state: &str, waited: Duration) -> PageError {
    let state = Shown::new(state, 40);
    let message = format!(
        "the job was still {state} after {} s; wait for it again from the checkpoint, or for longer \
         (`with_job_timeout`)",
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
