use std::{sync::Arc, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use super::{
    Checkpoint, Page, PageError, PageErrorKind, PagedRequest,
    checkpoint::Position,
    fetch::{self, Ask},
    job_end, numbered,
    walk::{Step, Trail, in_circles},
};
use crate::{genesys::correlation_id::is_plain, runtime::has_timers};

/// The longest wait between two looks at a job.
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

/// Never in a tight loop, whatever the settings say: from here it grows like any other.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// A job: started, waited for, and read by cursor.
pub(super) struct Job {
    request: Arc<PagedRequest>,
    here: Checkpoint,
    phase: Phase,
    trail: Trail,
    pages: u64,
}

enum Phase {
    New,
    Running {
        id: Box<str>,
        cursor: Option<String>,
        /// Whether to wait before the first look.
        fresh: bool,
    },
    Done {
        id: Box<str>,
        cursor: Option<String>,
    },
}

#[derive(Deserialize)]
struct Started {
    #[serde(rename = "jobId")]
    job_id: String,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    #[serde(rename = "errorMessage")]
    error_message: Option<String>,
}

impl Job {
    pub(super) fn new(request: Arc<PagedRequest>, from: Checkpoint) -> Self {
        let phase = match from.position.clone() {
            Position::Job { id, cursor } => Phase::Running {
                id,
                cursor,
                fresh: false,
            },
            _ => Phase::New,
        };
        Self {
            request,
            here: from,
            phase,
            trail: Trail::default(),
            pages: 0,
        }
    }

    pub(super) async fn step<T: DeserializeOwned>(&mut self) -> Result<Step<T>, PageError> {
        let step = self.advance().await;
        step.map_err(|error| error.at(|| self.place(), &self.here))
    }

    fn place(&self) -> String {
        let path = numbered::path(&self.request);
        match &self.phase {
            Phase::New => format!("the start of a job by POST {path}"),
            Phase::Running { id, .. } => format!("job {id} of {path}"),
            Phase::Done { id, .. } => {
                let number = self.pages + 1;
                format!("page {number}, from where this stream began, of job {id} of {path}")
            }
        }
    }

    async fn advance<T: DeserializeOwned>(&mut self) -> Result<Step<T>, PageError> {
        if matches!(self.phase, Phase::New) {
            let id = self.start().await?;
            self.reach(id.clone(), None);
            self.phase = Phase::Running {
                id,
                cursor: None,
                fresh: true,
            };
            return Ok(Step::Reached(self.here.clone()));
        }
        if let Phase::Running { id, cursor, fresh } = &self.phase {
            let (id, cursor) = (id.clone(), cursor.clone());
            self.wait(&id, *fresh).await?;
            self.phase = Phase::Done { id, cursor };
        }
        self.read().await.map(Step::Page)
    }

    fn reach(&mut self, id: Box<str>, cursor: Option<String>) {
        let position = Position::Job { id, cursor };
        self.here = Checkpoint::new(&self.here.request, position);
    }

    async fn start(&self) -> Result<Box<str>, PageError> {
        let body = self.request.body.clone().unwrap_or_default();
        let ask = Ask::post(self.request.path.clone(), &body);
        let answer = fetch::once(&self.request, ask).await?;
        let started: Started = serde_json::from_slice(&answer.body)
            .map_err(|error| fetch::malformed(error, answer.correlation_id))?;
        checked(&started.job_id)
    }

    /// Looks at the job until it is done.
    async fn wait(&self, id: &str, fresh: bool) -> Result<(), PageError> {
        let settings = &self.request.settings;
        let began = Instant::now();
        let mut interval = settings
            .poll_interval
            .clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        let mut due = fresh;
        loop {
            if due {
                pause(interval).await?;
                interval = (interval * 3 / 2).min(LONGEST_INTERVAL);
            }
            due = true;
            let status = self.status(id).await?;
            match &*status.state {
                "FULFILLED" => return Ok(()),
                "FAILED" => return Err(job_end::failed(status.error_message.as_deref())),
                "CANCELLED" => return Err(job_end::cancelled()),
                "EXPIRED" => return Err(job_end::expired()),
                // QUEUED, PENDING, and what the API may call it one day.
                state if began.elapsed() + interval > settings.job_timeout => {
                    return Err(job_end::late(state, began.elapsed()));
                }
                _ => {}
            }
        }
    }

    async fn status(&self, id: &str) -> Result<Status, PageError> {
        let id = checked(id)?;
        let ask = Ask::get(format!("{}/{id}", self.request.path));
        let answer = fetch::read(&self.request, ask)
            .await
            .map_err(job_end::gone)?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| fetch::malformed(error, answer.correlation_id))
    }

    async fn read<T: DeserializeOwned>(&mut self) -> Result<Page<T>, PageError> {
        let Phase::Done { id, cursor } = &self.phase else {
            let message = "the job was not started";
            return Err(PageError::new(PageErrorKind::Request, message));
        };
        let id = checked(id)?;
        let ask = Ask::get(self.results(&id, cursor.clone()));
        // A resumed stream has not been where it begins.
        self.trail.is_new(&ask.path);
        let fetched = fetch::page::<T>(Arc::clone(&self.request), ask).await;
        let fetched = fetched.map_err(job_end::gone)?;
        let next = fetched.body.cursor;
        let items = fetched.body.items;
        if let Some(next) = &next {
            let with_id = |error: PageError| error.with_correlation_id(fetched.correlation_id);
            let place = self.results(&id, Some(next.clone()));
            let followed = self.trail.count(items.len()).and_then(|()| {
                if self.trail.is_new(&place) {
                    Ok(())
                } else {
                    Err(in_circles())
                }
            });
            followed.map_err(with_id)?;
        }
        self.pages += 1;
        match &next {
            Some(_) => self.reach(id.clone(), next.clone()),
            None => self.here = Checkpoint::new(&self.here.request, Position::End),
        }
        self.phase = Phase::Done { id, cursor: next };
        Ok(Page::new(items, None, self.here.clone()))
    }

    fn results(&self, id: &str, cursor: Option<String>) -> String {
        let size = self.request.settings.page_size;
        let size = size.map(|size| ("pageSize", size.to_string()));
        let cursor = cursor.map(|cursor| ("cursor", cursor));
        let path = format!("{}/{id}/results", self.request.path);
        fetch::with_query(&path, size.into_iter().chain(cursor))
    }
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

async fn pause(interval: Duration) -> Result<(), PageError> {
    if !has_timers() {
        let message = "there is no tokio runtime with timers, and a job is waited for on one";
        return Err(PageError::new(PageErrorKind::NoRuntime, message));
    }
    sleep(interval).await;
    Ok(())
}
