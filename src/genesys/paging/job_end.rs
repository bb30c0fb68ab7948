//! How a job ends that does not come to its results.

use std::time::Duration;

use http::StatusCode;

use super::{PageError, PageErrorKind};
use crate::genesys::api_error::{Shown, clean};

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
