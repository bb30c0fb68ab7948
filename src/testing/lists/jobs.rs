//! The jobs of lists: any POST that starts one, its status, and its results.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    MockList, page,
    shape::{Request, Shape},
};
use crate::testing::reply::Reply;

/// The jobs that requests to lists have started.
#[derive(Default)]
pub(super) struct Jobs(Vec<Job>);

struct Job {
    /// The shape of the list that started the job.
    list: &'static str,
    /// The body that started the job.
    body: Value,
    /// The polls of its state so far.
    polls: usize,
}

impl Jobs {
    /// Starts a job, and responds with its id. Ids count from 1.
    pub(super) fn start(&mut self, shape: &Shape, request: &Request<'_>) -> Reply {
        self.0.push(Job {
            list: shape.name,
            body: request.body.clone(),
            polls: 0,
        });
        let mut response = Map::new();
        for field in shape.says() {
            let value: Value = match field {
                "jobId" | "id" | "executionId" => self.0.len().to_string().into(),
                "state" => "Queued".into(),
                _ => continue,
            };
            response.insert(field.to_owned(), value);
        }
        Reply::json(StatusCode::ACCEPTED, &Value::Object(response))
    }

    /// Returns the state of a job, or a page of its results. The job is queued
    /// at the first poll, and done at the second.
    pub(super) fn respond(
        &mut self,
        shape: &Shape,
        lists: &BTreeMap<&'static str, MockList>,
        request: &Request<'_>,
    ) -> Option<Reply> {
        let (id, started) = job_of(shape, request.path)?;
        let job = id
            .parse()
            .ok()
            .and_then(|number: usize| self.0.get_mut(number.checked_sub(1)?));
        let Some(job) = job.filter(|job| job.list.ends_with(started)) else {
            return lists
                .keys()
                .any(|name| name.ends_with(started))
                .then(|| Reply::not_found(&format!("There is no job {id}.")));
        };
        let list = lists.get(job.list)?;
        // Three kinds: a separate status, results that state whether they are
        // complete, and results only.
        let says_state = |field: &str| shape.says().any(|own| own == field);
        if says_state("state") {
            job.polls += 1;
            // The words differ by API: analytics writes them in capitals.
            let (running, done) = match shape.template().contains("/analytics/") {
                true => ("QUEUED", "FULFILLED"),
                false => ("Running", "Succeeded"),
            };
            let state = if job.polls < 2 { running } else { done };
            return Some(Reply::ok(&json!({ "id": id, "state": state })));
        }
        // Results that state it are incomplete at the first request.
        if says_state("queryStatus") && job.polls == 0 {
            job.polls += 1;
            return Some(Reply::ok(&json!({ "queryStatus": "Running" })));
        }
        // The results are those of the body that started the job.
        let page_of_job = Request {
            body: &job.body,
            ..*request
        };
        Some(page::respond(&in_job(shape, job), list, &page_of_job))
    }
}

/// Returns the shape of the results. The request that starts a job may choose
/// its page.
fn in_job(shape: &Shape, job: &Job) -> Shape {
    match job.body.get("pageNumber") {
        Some(_) => shape.taking_in_body("pageNumber pageSize"),
        None => *shape,
    }
}

/// Returns the id of the job, and the template of the operation that started
/// it.
fn job_of<'a>(shape: &Shape, path: &'a str) -> Option<(&'a str, &'static str)> {
    let template = shape.template();
    let ends = ["/{}/results", "/results/{}", "/{}"];
    let (started, end) = ends
        .iter()
        .find_map(|end| Some((template.strip_suffix(end)?, *end)))?;
    let mut segments = path.rsplit('/');
    let id = match end {
        "/{}/results" => segments.nth(1),
        _ => segments.next(),
    };
    Some((id?, started))
}
