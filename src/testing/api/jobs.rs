//! Details queries as jobs: started, polled, and read by cursor.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use serde_json::json;

use super::{
    call::Call,
    contents::{Job, JobEnd, STATES},
    details,
};
use crate::testing::{
    data::{self, Conversation},
    reply::Reply,
    state::State,
    timestamp,
};

/// The API's largest page of results.
const MAX_PAGE: usize = 10_000;
/// How long the API keeps results, by its own words, in milliseconds: a week.
const KEPT: i64 = 7 * 86_400_000;

/// Handles `GET /api/v2/analytics/conversations/details/jobs/availability`.
pub(super) fn availability(call: &Call<'_>) -> Reply {
    match *call.method {
        Method::GET => Reply::ok(&json!({ "dataAvailabilityDate": data::END })),
        _ => Reply::method_not_allowed("GET"),
    }
}

/// Handles `POST /api/v2/analytics/conversations/details/jobs`.
pub(super) fn submit(state: &mut State, call: &Call<'_>) -> Reply {
    if call.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    let request = call
        .json()
        .and_then(|body| Ok((details::interval(&body)?, details::descending(&body)?)));
    let (interval, descending) = match request {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let id = state.random.uuid();
    let job = Job {
        interval,
        descending,
        polls: 0,
        end: None,
        submitted: state.clock.now(),
        completed: None,
    };
    state.api.jobs.0.insert(id.clone(), job);
    Reply::json(StatusCode::ACCEPTED, &json!({ "jobId": id }))
}

/// Handles `GET` and `DELETE
/// /api/v2/analytics/conversations/details/jobs/{id}`.
pub(super) fn status(state: &mut State, call: &Call<'_>, id: &str) -> Reply {
    let (jobs, now) = (&mut state.api.jobs.0, state.clock.now());
    if call.method == Method::DELETE {
        return match jobs.remove(id) {
            Some(_) => Reply::ok(&json!({})),
            None => not_found(id),
        };
    }
    if call.method != Method::GET {
        return Reply::method_not_allowed("GET, DELETE");
    }
    let Some(job) = jobs.get_mut(id) else {
        return not_found(id);
    };
    // Polls, not time, move a job on: so a test with a paused clock needs no
    // advance.
    job.polls = job.polls.saturating_add(1);
    let mut response = json!({
        "state": job.state(),
        "submissionDate": timestamp::format(job.submitted),
        "expirationDate": timestamp::format(job.submitted.saturating_add(KEPT)),
    });
    if job.polls >= STATES.len() || job.end.is_some() {
        let completed = *job.completed.get_or_insert(now);
        response["completionDate"] = timestamp::format(completed).into();
    }
    if job.end == Some(JobEnd::Failed) {
        response["errorMessage"] = "The query could not be executed.".into();
    }
    Reply::ok(&response)
}

/// Handles `GET /api/v2/analytics/conversations/details/jobs/{id}/results`.
pub(super) fn results(state: &State, call: &Call<'_>, id: &str) -> Reply {
    if call.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    page(state, call, id).unwrap_or_else(|refusal| refusal)
}

/// Returns a page of results. The error is the response, too.
fn page(state: &State, call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    let job = state.api.jobs.0.get(id).ok_or_else(|| not_found(id))?;
    if job.end == Some(JobEnd::Expired) {
        return Err(not_found(id));
    }
    // Only a fulfilled job has results.
    if job.polls < STATES.len() || job.end.is_some() {
        let message = "The results of the job are not available yet.";
        return Err(Reply::bad_request(message));
    }
    let size = call.number("pageSize", 1000, MAX_PAGE)?;
    let begin = match call.parameter("cursor") {
        None => 0,
        Some(cursor) => read_cursor(&cursor, id)
            .ok_or_else(|| Reply::bad_request("The cursor is not one of this job."))?,
    };
    let is_active = |one: &Conversation| one.is_active_in(&job.interval);
    let found = details::select(&state.api.conversations, is_active, job.descending);
    let begin = begin.min(found.len());
    let end = begin.saturating_add(size).min(found.len());
    let conversations: Vec<_> = found[begin..end].iter().map(|one| one.json()).collect();
    let mut response = json!({ "conversations": conversations });
    if end < found.len() {
        response["cursor"] = URL_SAFE_NO_PAD.encode(format!("{end}/{id}")).into();
    }
    Ok(Reply::ok(&response))
}

/// Returns the row where a page begins. The cursor has the id of its job, so
/// that another job refuses it.
fn read_cursor(cursor: &str, id: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (begin, job) = text.split_once('/')?;
    (job == id).then(|| begin.parse().ok()).flatten()
}

/// Returns the 404 for a job.
fn not_found(id: &str) -> Reply {
    Reply::not_found(&format!("There is no job {id}."))
}
