//! The one walk through the pages of a request, in whatever way it pages: start
//! a job, wait for it, fetch a page, check it, move to the next place.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    Checkpoint, PageError,
    checkpoint::{Place, Position},
    fetch::{Ahead, Fetched},
    job::Job,
    plan::Plan,
    progress::{Progress, Trail, in_circles},
    query,
    rule::{self, Seen},
    way::By,
};

/// One page. The [module docs](super) have an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// Its rows. The last page, and others, may have none.
    pub rows: Vec<T>,
    /// The number of all rows, if the API states it and
    /// [`without_total`](super::PagedRequest::without_total) is not set.
    pub total: Option<u64>,
    /// The place after this page: a stream that resumes there begins with the
    /// next page.
    pub checkpoint: Checkpoint,
}

/// The state of a walk between two steps.
pub(super) struct Walk<T> {
    plan: Arc<Plan>,
    /// The place before the next page, for the stream and for errors.
    here: Checkpoint,
    /// The place of the next page.
    at: Place,
    progress: Progress,
    /// The current job, once it was started. If each page is a job, it is taken
    /// away after its page.
    job: Option<Job>,
    trail: Trail,
    ahead: Ahead<T>,
    /// How many pages have come in this stream.
    pages: u64,
    /// Whether the last page or an error has come.
    ended: bool,
}

/// The result of one step.
pub(super) enum Step<T> {
    Page(Page<T>),
    /// A place to resume from, without a page.
    Reached(Checkpoint),
    End,
}

impl<T: DeserializeOwned + Send + 'static> Walk<T> {
    /// Continues from a checkpoint that belongs to the plan.
    pub(super) fn new(plan: Arc<Plan>, from: Checkpoint) -> Self {
        let (job, position) = match &from.position {
            Position::Job { id, then } => (Some(Job::resumed(id)), &**then),
            position => (None, position),
        };
        let (at, total, rows, page) = match position {
            Position::Page {
                at,
                total,
                rows,
                page,
            } => (at.clone(), *total, *rows, *page),
            _ => (plan.first.clone(), None, 0, None),
        };
        let mut trail = Trail::default();
        // A link back to the first page is a circle, also after a resume.
        trail.is_new(&plan.first);
        trail.is_new(&at);
        Self {
            progress: Progress::new(plan.settings.heeded(total), rows, page),
            ended: from.is_end(),
            here: from,
            at,
            job,
            trail,
            ahead: Ahead::new(),
            pages: 0,
            plan,
        }
    }

    /// Takes one step. An error ends the stream, as the last page does: a
    /// stream that continued after an error could skip rows.
    pub(super) async fn step(&mut self) -> Result<Step<T>, PageError> {
        if self.ended {
            return Ok(Step::End);
        }
        let step = self.advance().await;
        self.ended = match &step {
            Ok(Step::Page(page)) => page.checkpoint.is_end(),
            Ok(_) => false,
            Err(_) => true,
        };
        step.map_err(|error| error.at(|| self.place(), &self.here))
    }

    /// Returns the name of the page for an error.
    fn place(&self) -> String {
        let path = query::without(&self.plan.path);
        let method = &self.plan.method;
        let number = self.pages + 1;
        // A job has no page before it is ready, and only pages by number have a
        // number of their own. The others are counted from where the stream
        // began.
        match (&self.job, &self.plan.paging.by, &self.at) {
            (None, _, _) if self.plan.paging.job.is_some() => {
                format!("the start of a job by POST {path}")
            }
            (Some(job), ..) if !job.is_ready() => format!("job {} of {path}", job.id()),
            (Some(job), ..) => {
                format!(
                    "page {number}, from where this stream began, of job {} of {path}",
                    job.id()
                )
            }
            (_, By::Number(_), Place::Number(number)) => {
                format!("page {number} of {method} {path}")
            }
            _ => format!("page {number} from where {method} {path} began"),
        }
    }

    /// Starts the job if there is one to start, or else fetches a page.
    async fn advance(&mut self) -> Result<Step<T>, PageError> {
        if let Some(form) = &self.plan.paging.job {
            let Some(job) = &mut self.job else {
                // A separate step, so that the caller can store the job's id
                // before the wait.
                let job = Job::start(&self.plan, form, &self.at).await?;
                let position = Position::Job {
                    id: job.id().into(),
                    then: Box::new(self.position()),
                };
                self.job = Some(job);
                self.here = Checkpoint::new(&self.here.request, position);
                return Ok(Step::Reached(self.here.clone()));
            };
            job.wait(&self.plan, form).await?;
        }
        let fetched = match &mut self.job {
            Some(job) => job.page::<T>(&self.plan, &self.at).await?,
            None => self.ahead.next(&self.plan, &self.at).await?,
        };
        let id = fetched.correlation_id.clone();
        let page = self
            .take(fetched)
            .map_err(|error| error.with_correlation_id(id))?;
        Ok(Step::Page(page))
    }

    /// Checks a page, and finds where it leads.
    fn take(&mut self, fetched: Fetched<T>) -> Result<Page<T>, PageError> {
        let signs = &fetched.body.signs;
        let rows = fetched.body.rows.len() as u64;
        let asked = self.at.clone();
        let seen = Seen {
            signs,
            rows,
            asked: &asked,
            size: self.plan.settings.asked_size.or(signs.size),
            last_id: fetched.last_id.clone(),
        };
        let known = self.progress.take(&self.plan, &seen, &fetched)?;
        let next = rule::next(&self.plan.paging, &seen, &known)?;
        self.ahead.last = rule::last(&self.plan.paging, &seen, &known);
        self.progress.note(&fetched);
        self.pages += 1;
        self.go(next, rows)?;
        Ok(Page {
            rows: fetched.body.rows,
            total: self.progress.total,
            checkpoint: self.here.clone(),
        })
    }

    /// Moves to the place of the next page, or to the end.
    fn go(&mut self, next: Option<Place>, rows: u64) -> Result<(), PageError> {
        let Some(next) = next else {
            self.here = Checkpoint::new(&self.here.request, Position::End);
            return Ok(());
        };
        self.trail.count(rows)?;
        let next = match next {
            // Resolved and checked here, so that a checkpoint never has a link
            // that leads elsewhere.
            Place::Link(link) => {
                let results = self.job.as_ref().map(|job| job.results(&self.plan));
                let ask = self.plan.ask(results.as_deref(), &Place::Link(link))?;
                Place::Link(ask.path.into())
            }
            next => next,
        };
        // The trail has no link for the first page, because the caller's own
        // request asked for it.
        let is_first = matches!(&next, Place::Link(path) if **path == *self.first_path()?);
        if is_first || !self.trail.is_new(&next) {
            return Err(in_circles());
        }
        self.at = next;
        // If each page is a job, the job of the next page does not exist yet.
        let is_per_page = self
            .plan
            .paging
            .job
            .as_ref()
            .is_some_and(|job| job.per_page);
        let position = match self.job.take().filter(|_| !is_per_page) {
            Some(job) => {
                let id = job.id().into();
                self.job = Some(job);
                let then = Box::new(self.position());
                Position::Job { id, then }
            }
            None => self.position(),
        };
        self.here = Checkpoint::new(&self.here.request, position);
        Ok(())
    }

    /// Returns the path that the first page was requested by.
    fn first_path(&self) -> Result<String, PageError> {
        let results = self.job.as_ref().map(|job| job.results(&self.plan));
        Ok(self.plan.ask(results.as_deref(), &self.plan.first)?.path)
    }

    /// Returns the current place as a checkpoint has it.
    fn position(&self) -> Position {
        // No later page has the place of the first one: that would be a circle.
        if self.at == self.plan.first {
            return Position::Start;
        }
        Position::Page {
            at: self.at.clone(),
            total: self.progress.total,
            rows: self.progress.rows,
            page: self.progress.page,
        }
    }
}
