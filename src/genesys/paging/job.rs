//! A job: started by a POST, waited for, and then read page by page.
//! `job_state.rs` understands its states; `walk.rs` decides when to start, wait
//! and read.

use std::{sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    PageError, PageErrorKind,
    ask::Ask,
    checkpoint::Place,
    fetch::{self, Fetched},
    job_state::{self, Patience, State},
    plan::Plan,
    way::JobForm,
};
use crate::genesys::answer::is_plain;

/// For this long, a 404 for a job that was just started may be the lag of
/// another node, and not the end of the job.
const SETTLES: Duration = Duration::from_secs(10);

/// A job that this stream, or an earlier one, has started.
pub(super) struct Job {
    /// Put into paths, so [`checked`] before the first request.
    id: Box<str>,
    /// When this stream started it; `None` after a resume.
    started: Option<Instant>,
    /// Whether the API has known it since. From then on, a 404 is its end.
    seen: bool,
    /// Whether it is done, so that its results can be read.
    ready: bool,
}

impl Job {
    /// Starts the job for a page, or for all pages. Sent once: the layers below
    /// repeat it only if the API certainly did not execute it.
    pub(super) async fn start(
        plan: &Plan,
        form: &JobForm,
        page: &Place,
    ) -> Result<Self, PageError> {
        let answer = fetch::once(plan, plan.start_of_job(page)).await?;
        let started: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| fetch::malformed(error, answer.correlation_id.clone()))?;
        let Some(id) = started.get(&*form.id).and_then(Value::as_str) else {
            let message = format!(
                "the response to the request for a job has no `{}` that names it; check what is \
                 between the program and Genesys (a proxy's page?)",
                form.id
            );
            let error = PageError::new(PageErrorKind::Malformed, message);
            return Err(error.with_correlation_id(answer.correlation_id));
        };
        Ok(Self {
            id: checked(id)?,
            started: Some(Instant::now()),
            seen: false,
            ready: false,
        })
    }

    /// Returns the job of a checkpoint.
    pub(super) fn resumed(id: &str) -> Self {
        Self {
            id: id.into(),
            started: None,
            // A checkpoint may be weeks old, so a 404 counts as the job's end.
            seen: true,
            ready: false,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns the path of its results.
    pub(super) fn results(&self, plan: &Plan) -> String {
        let form = plan.paging.job.as_ref();
        self.path(plan, form.map_or("", |form| &*form.results))
    }

    /// Returns a path of the job: that of the POST, then `suffix` with the id
    /// in place of `{}`.
    fn path(&self, plan: &Plan, suffix: &str) -> String {
        format!("{}/{}", plan.path, suffix.replace("{}", &self.id))
    }

    /// Polls the status until the job is done. Returns at once if the job is
    /// known to be done, or if its results state whether it is.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost: the job continues at Genesys, and the next call polls
    /// again.
    pub(super) async fn wait(&mut self, plan: &Plan, form: &JobForm) -> Result<(), PageError> {
        // The id may come from a checkpoint, which a person may have edited.
        checked(&self.id)?;
        let Some(status) = form.status.as_deref().filter(|_| !self.ready) else {
            return Ok(());
        };
        let path = self.path(plan, status);
        let mut patience = Patience::new(plan);
        // A job that this stream has just started cannot be done yet, so the
        // first look waits.
        let mut due = self.started.is_some();
        loop {
            if due {
                patience.pause().await?;
            }
            due = true;
            let Some(status) = self.found(fetch::read(plan, Ask::get(path.clone())).await)? else {
                continue;
            };
            let status: Value = serde_json::from_slice(&status.body)
                .map_err(|error| fetch::malformed(error, status.correlation_id))?;
            let Some(state) = status.get("state").and_then(Value::as_str) else {
                let message = "the job's status has no `state`; check what is between the \
                    program and Genesys (a proxy's page?)";
                return Err(PageError::new(PageErrorKind::Malformed, message));
            };
            if ended(state, reason(&status))? {
                self.ready = true;
                return Ok(());
            }
            // The limit is checked after a poll, so a job that is done is never
            // late.
            patience.check(state)?;
        }
    }

    /// Fetches a page of its results. If the results themselves state whether
    /// the job is done, polls them until it is.
    pub(super) async fn page<T: DeserializeOwned>(
        &mut self,
        plan: &Arc<Plan>,
        place: &Place,
    ) -> Result<Fetched<T>, PageError> {
        let ask = plan.ask(Some(&self.results(plan)), place)?;
        let mut patience = Patience::new(plan);
        let mut due = self.started.is_some() && !self.ready;
        loop {
            if due {
                patience.pause().await?;
            }
            due = true;
            let fetched = fetch::page::<T>(Arc::clone(plan), ask.clone()).await;
            let Some(fetched) = self.found(fetched)? else {
                continue;
            };
            // A state counts only until the job is ready. On a later page, a
            // running state is for the rule, which refuses an incomplete page.
            match &fetched.body.signs.state {
                Some((_, state)) if !self.ready && !ended(state, None)? => patience.check(state)?,
                _ => {
                    self.ready = true;
                    return Ok(fetched);
                }
            }
        }
    }

    /// Returns the answer, or `None` for a 404 that may only mean that the job
    /// is too new: then poll again.
    fn found<A>(&mut self, answer: Result<A, PageError>) -> Result<Option<A>, PageError> {
        let error = match answer {
            Ok(answer) => {
                self.seen = true;
                return Ok(Some(answer));
            }
            Err(error) => job_state::gone(error),
        };
        let is_new = self
            .started
            .is_some_and(|started| started.elapsed() < SETTLES);
        if error.kind() == PageErrorKind::JobExpired && is_new && !self.seen {
            return Ok(None);
        }
        Err(error)
    }
}

/// Returns whether the job is done, or an error if it ended in another way.
fn ended(state: &str, reason: Option<&str>) -> Result<bool, PageError> {
    match job_state::read(state) {
        State::Done => Ok(true),
        State::Failed => Err(job_state::failed(reason)),
        State::Cancelled => Err(job_state::cancelled()),
        State::Expired => Err(job_state::expired()),
        // An unknown state may be a new word of the API for a job that runs:
        // the time limit ends the wait if it is not.
        State::Running | State::Unknown => Ok(false),
    }
}

/// Returns the reason why a job failed: `errorMessage` of analytics, or
/// `error.message` of work items.
fn reason(status: &Value) -> Option<&str> {
    let error = || status.get("error")?.get("message");
    status.get("errorMessage").or_else(error)?.as_str()
}

/// Returns the id, if it has the form of Genesys's ids. It becomes a part of a
/// path, so a slash or a dot in it could lead elsewhere.
fn checked(id: &str) -> Result<Box<str>, PageError> {
    if is_plain(id) {
        return Ok(id.into());
    }
    let message = "the job's id has other characters than letters, digits and hyphens; check the \
                   checkpoint, and what is between the program and Genesys";
    Err(PageError::new(PageErrorKind::Malformed, message))
}
