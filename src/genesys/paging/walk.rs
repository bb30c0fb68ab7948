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

/// One page.
///
/// An example: [`paging`](crate::genesys::paging).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// Its rows. The last page, and others, may have none.
    pub rows: Vec<T>,
    /// How many rows there are in all, if the API says so.
    pub total: Option<u64>,
    /// The place behind this page: a stream that resumes there begins with the
    /// next one.
    pub checkpoint: Checkpoint,
}

/// The one walk through the pages of a request, of whatever way.
pub(super) struct Walk<T> {
    plan: Arc<Plan>,
    /// Before the page that comes next.
    here: Checkpoint,
    /// What that page is asked for by.
    at: Place,
    progress: Progress,
    job: Option<Job>,
    trail: Trail,
    ahead: Ahead<T>,
    /// How many have come of this stream.
    pages: u64,
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

    /// An error ends the stream like the last page does: a stream that
    /// continued after one could skip rows.
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

    /// The name of the page for an error. A job has no page before it is ready,
    /// and only pages by number have a number of their own; others count from
    /// where the stream began.
    fn place(&self) -> String {
        let path = query::without(&self.plan.path);
        let method = &self.plan.method;
        let number = self.pages + 1;
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

    async fn advance(&mut self) -> Result<Step<T>, PageError> {
        if let Some(form) = &self.plan.paging.job {
            let Some(job) = &mut self.job else {
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

    /// Takes note of a page, and says where it leads to.
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

    fn go(&mut self, next: Option<Place>, rows: u64) -> Result<(), PageError> {
        let Some(next) = next else {
            self.here = Checkpoint::new(&self.here.request, Position::End);
            return Ok(());
        };
        self.trail.count(rows)?;
        let next = match next {
            // Once it is seen to lead to the API, it is kept as it is asked
            // for.
            Place::Link(link) => {
                let results = self.job.as_ref().map(|job| job.results(&self.plan));
                let ask = self.plan.ask(results.as_deref(), &Place::Link(link))?;
                Place::Link(ask.path.into())
            }
            next => next,
        };
        // The page that was asked for first has no other name than the request.
        let is_first = matches!(&next, Place::Link(path) if **path == *self.first_path()?);
        if is_first || !self.trail.is_new(&next) {
            return Err(in_circles());
        }
        self.at = next;
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

    fn first_path(&self) -> Result<String, PageError> {
        let results = self.job.as_ref().map(|job| job.results(&self.plan));
        Ok(self.plan.ask(results.as_deref(), &self.plan.first)?.path)
    }

    fn position(&self) -> Position {
        if self.progress.rows == 0 && self.pages == 0 && self.at == self.plan.first {
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
