use std::{path::Path, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Value, json};
use tokio::{sync::watch, time::sleep};
use tower::ServiceExt;
use tower_genesys::{
    ApiError, Org, Pager,
    genesys::{
        grants::TokenClient,
        paging::{Checkpoint, PageError, PageErrorKind, PagedRequest},
    },
};

use crate::{
    conversation::{Conversation, Format},
    failure::{Code, Failure},
    interval::Interval,
    output::Output,
    progress::Headway,
    slices::{Slice, Slices},
    state::Identity,
    terminal::count,
};

/// How many pages are requested ahead of the one that is written.
const READ_AHEAD: usize = 5;
/// After this time without a page, the run checks the place of the stream.
const GLANCE: Duration = Duration::from_secs(1);
/// The limit of an answer of which a few hundred bytes are expected.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The content of a report, and its file.
pub(crate) struct Plan<'a> {
    pub(crate) interval: Interval,
    pub(crate) output: &'a Path,
    pub(crate) format: Format,
    pub(crate) job: bool,
    pub(crate) restart: bool,
}

/// The outcome of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// The number of conversations, if the API has said so.
    pub(crate) total: Option<u64>,
}

/// Writes the rest of a report. `interrupts` counts the interrupts: after one,
/// the run stops after the next page, and after two, at once. `progress` gets
/// the progress.
pub(crate) async fn run<S>(
    plan: &Plan<'_>,
    org: &Org,
    genesys: S,
    interrupts: watch::Receiver<u32>,
    mut progress: impl FnMut(Headway),
) -> Result<Done, Failure>
where
    S: TokenClient<Full<Bytes>, Error = tower_genesys::BoxError>,
{
    let identity = Identity {
        organization: organization(org, genesys.clone()).await?,
        interval: plan.interval.to_string(),
        format: plan.format.to_string(),
        job: plan.job,
    };
    let mut output = Output::open(plan.output, plan.format, identity, plan.restart)?;
    let slices = plan.slices();
    let pager = Pager::new(org, genesys);
    let is_resumed = output.checkpoint().is_some();
    let mut progress = |output: &Output| progress(headway(output, &slices));
    if is_resumed {
        progress(&output);
    }
    loop {
        let number = output.slice();
        let slice = slice(&slices, number)?;
        let mut request = plan.request(&pager, &slice);
        if let Some(checkpoint) = output.checkpoint() {
            request = request.resume(checkpoint.clone());
        }
        let is_last = number + 1 >= slices.count();
        let list = List { slice, is_last };
        list.read(plan, request, &mut output, &interrupts, &mut progress)
            .await?;
        if is_last {
            break;
        }
        let next = self::slice(&slices, number + 1)?;
        let pages = plan.request(&pager, &next).pages::<Conversation>();
        output.next_slice(pages.checkpoint())?;
    }
    let total = output.counts().total();
    output.complete()?;
    Ok(Done { total })
}

impl Plan<'_> {
    fn slices(&self) -> Slices<'_> {
        match self.job {
            true => Slices::with_job(&self.interval),
            false => Slices::of_query(&self.interval),
        }
    }

    fn request(&self, pager: &Pager, slice: &Slice) -> PagedRequest {
        let body =
            json!({ "interval": slice.interval, "order": "asc", "orderBy": "conversationStart" });
        if self.job {
            return pager.post("/api/v2/analytics/conversations/details/jobs", body);
        }
        let path = "/api/v2/analytics/conversations/details/query";
        pager.post(path, body).with_read_ahead(READ_AHEAD)
    }
}

fn slice(slices: &Slices<'_>, number: u64) -> Result<Slice, Failure> {
    let failed = || Failure::new(Code::Failed, "the interval cannot be cut into slices");
    slices.get(number).map_err(|error| failed().because(error))
}

fn headway(output: &Output, slices: &Slices<'_>) -> Headway {
    let counts = output.counts();
    Headway {
        slice: output.slice() + 1,
        slices: slices.count(),
        read: counts.read,
        found: counts.found,
    }
}

/// The list of pages of a slice.
struct List {
    slice: Slice,
    is_last: bool,
}

impl List {
    /// Writes the pages that are not yet written.
    async fn read(
        &self,
        plan: &Plan<'_>,
        request: PagedRequest,
        output: &mut Output,
        interrupts: &watch::Receiver<u32>,
        progress: &mut impl FnMut(&Output),
    ) -> Result<(), Failure> {
        let mut pages = request.pages::<Conversation>();
        let beginning = pages.checkpoint().clone();
        loop {
            output.reach(pages.checkpoint())?;
            let page = tokio::select! {
                biased;
                page = pages.next() => page,
                () = at_once(interrupts.clone()) => {
                    output.reach(pages.checkpoint())?;
                    return Err(interrupted(plan.output, output));
                }
                // A job may take an hour before its first page, so its place is
                // stored as soon as it was started.
                () = sleep(GLANCE) => continue,
            };
            match page {
                None => return Ok(()),
                Some(Ok(page)) => output.append(page, &self.slice)?,
                Some(Err(error)) => {
                    output.reach(pages.checkpoint())?;
                    output.give_up(&beginning)?;
                    return Err(incomplete(error));
                }
            }
            progress(output);
            let is_end = output.checkpoint().is_some_and(Checkpoint::is_end);
            // After the last page, there is nothing to stop.
            if *interrupts.borrow() > 0 && !(is_end && self.is_last) {
                return Err(interrupted(plan.output, output));
            }
        }
    }
}

async fn at_once(mut interrupts: watch::Receiver<u32>) {
    if interrupts.wait_for(|count| *count > 1).await.is_err() {
        // The sender of interrupts is gone.
        std::future::pending().await
    }
}

/// Returns the id of the token's organisation.
async fn organization<S>(org: &Org, genesys: S) -> Result<String, Failure>
where
    S: TokenClient<Full<Bytes>, Error = tower_genesys::BoxError>,
{
    let failed = || Failure::new(Code::Failed, "the organisation is not known");
    let uri = org
        .api("/api/v2/tokens/me")
        .map_err(|error| failed().because(error))?;
    let mut request = Request::new(Full::default());
    *request.uri_mut() = uri;
    let response = genesys
        .oneshot(request)
        .await
        .map_err(|error| failed().because(error))?;
    if !response.status().is_success() {
        let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
        return Err(failed().because(error));
    }
    let body = Limited::new(response.into_body(), LONGEST_ANSWER);
    let body = body
        .collect()
        .await
        .map_err(|error| failed().because(error))?;
    let me: Value =
        serde_json::from_slice(&body.to_bytes()).map_err(|error| failed().because(error))?;
    let id = me["organization"]["id"].as_str();
    id.map(str::to_owned)
        .ok_or_else(|| failed().because("the answer does not name it"))
}

fn incomplete(error: PageError) -> Failure {
    use PageErrorKind as Kind;
    let (code, message) = match error.kind() {
        Kind::JobFailed | Kind::JobCancelled | Kind::JobExpired => (
            Code::Unusable,
            "the report is not complete, and its job cannot be continued; start from scratch with --restart",
        ),
        Kind::Shrunk | Kind::Grown | Kind::TooManyRows => (
            Code::Unusable,
            "the report is not complete, and cannot be continued; start from scratch with --restart, over \
             another interval or with --job if need be",
        ),
        _ => (
            Code::Failed,
            "the report is not complete; the same command continues where it was",
        ),
    };
    Failure::new(code, message).because(error)
}

fn interrupted(path: &Path, output: &Output) -> Failure {
    let message = format!(
        "interrupted; {} has {} so far, and the same command continues from there (or starts from scratch \
         with --restart)",
        path.display(),
        count(output.rows(), "conversation", "conversations")
    );
    Failure::new(Code::Interrupted, message)
}
