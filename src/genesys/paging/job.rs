use std::{sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    PageError, PageErrorKind,
    ask::Ask,
    checkpoint::Place,
    fetch::{self, Fetched},
    job_state::{self, State},
    plan::Plan,
    way::JobForm,
};
use crate::{genesys::answer::is_plain, runtime};

/// The longest wait between two looks at a job.
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

/// Never in a tight loop, whatever the settings say: from here it grows like
/// any other.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// A job that was just started may not be found for so long: another node
/// answers.
const SETTLES: Duration = Duration::from_secs(10);

/// A job that was started: waited for, then read.
pub(super) struct Job {
    id: Box<str>,
    /// When this stream has started it, if it has.
    started: Option<Instant>,
    /// Whether the API has answered for it since.
    seen: bool,
    ready: bool,
}

/// The waits between two looks.
struct Patience {
    began: Instant,
    interval: Duration,
    longest: Duration,
}

impl Job {
    pub(super) async fn start(
        plan: &Plan,
        form: &JobForm,
        page: &Place,
    ) -> Result<Self, PageError> {
        let answer = fetch::once(plan, plan.start_of_job(page)).await?;
        let started: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| fetch::malformed(error, answer.correlation_id.clone()))?;
        let Some(id) = started.get(&*form.id).and_then(Value::as_str) else {
            let message = format!("the answer that starts the job has no `{}`", form.id);
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

    pub(super) fn resumed(id: &str) -> Self {
        Self {
            id: id.into(),
            started: None,
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

    /// The path of its results.
    pub(super) fn results(&self, plan: &Plan) -> String {
        let form = plan.paging.job.as_ref();
        self.behind(plan, form.map_or("", |form| &*form.results))
    }

    fn behind(&self, plan: &Plan, suffix: &str) -> String {
        format!("{}/{}", plan.path, suffix.replace("{}", &self.id))
    }

    /// Looks at the job until it is done, where something else than its results
    /// says so.
    pub(super) async fn wait(&mut self, plan: &Plan, form: &JobForm) -> Result<(), PageError> {
        checked(&self.id)?;
        let Some(status) = form.status.as_deref().filter(|_| !self.ready) else {
            return Ok(());
        };
        let path = self.behind(plan, status);
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
                let message = "the answer does not say in `state` how the job is";
                return Err(PageError::new(PageErrorKind::Malformed, message));
            };
            if ended(state, reason(&status))? {
                self.ready = true;
                return Ok(());
            }
            patience.check(state)?;
        }
    }

    /// Fetches a page of its results, once they are there.
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
            match &fetched.body.signs.state {
                Some((_, state)) if !self.ready && !ended(state, None)? => patience.check(state)?,
                _ => {
                    self.ready = true;
                    return Ok(fetched);
                }
            }
        }
    }

    /// The answer; none where a job of this stream may only not be found yet.
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

impl Patience {
    fn new(plan: &Plan) -> Self {
        let interval = plan.settings.poll_interval;
        Self {
            began: Instant::now(),
            interval: interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL),
            longest: plan.settings.job_timeout,
        }
    }

    async fn pause(&mut self) -> Result<(), PageError> {
        if !runtime::is_entered() {
            let message = "there is no tokio runtime, and a job is waited for on one";
            return Err(PageError::new(PageErrorKind::NoRuntime, message));
        }
        sleep(self.interval).await;
        self.interval = (self.interval * 3 / 2).min(LONGEST_INTERVAL);
        Ok(())
    }

    fn check(&self, state: &str) -> Result<(), PageError> {
        if self.began.elapsed() + self.interval > self.longest {
            return Err(job_state::late(state, self.began.elapsed()));
        }
        Ok(())
    }
}

/// Whether the job is done; an error if it has come to another end.
fn ended(state: &str, reason: Option<&str>) -> Result<bool, PageError> {
    match job_state::read(state) {
        State::Done => Ok(true),
        State::Failed => Err(job_state::failed(reason)),
        State::Cancelled => Err(job_state::cancelled()),
        State::Expired => Err(job_state::expired()),
        // What the API may call it one day.
        State::Running | State::Unknown => Ok(false),
    }
}

/// Why a job has failed, where analytics and work items say it.
fn reason(status: &Value) -> Option<&str> {
    let error = || status.get("error")?.get("message");
    status.get("errorMessage").or_else(error)?.as_str()
}

/// An id as Genesys makes them: it becomes a part of a path.
fn checked(id: &str) -> Result<Box<str>, PageError> {
    if is_plain(id) {
        return Ok(id.into());
    }
    let message = "the id of the job is none: it holds more than letters, digits and hyphens; look \
                   at what stands in between, or at the checkpoint";
    Err(PageError::new(PageErrorKind::Malformed, message))
}
