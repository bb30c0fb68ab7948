use std::ops::Range;

use http::Method;
use serde_json::{Value, json};

use super::{Call, out_of_range, page};
use crate::testing::{data::Conversation, reply::Reply, state::State, timestamp};

const MAX_PAGE: usize = 100;

/// `POST /api/v2/analytics/conversations/details/query`
pub(super) fn query(state: &State, call: &Call<'_>) -> Reply {
    if call.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    run(state, call).unwrap_or_else(|refusal| refusal)
}

fn run(state: &State, call: &Call<'_>) -> Result<Reply, Reply> {
    let body = call.json()?;
    let interval = interval(&body)?;
    let paging = &body["paging"];
    let size = number(&paging["pageSize"], "pageSize", 25, MAX_PAGE)?;
    let number = number(&paging["pageNumber"], "pageNumber", 1, 100_000)?;
    let found = select(&state.api.conversations, &interval, descending(&body));
    let page: Vec<_> = page(&found, size, number)
        .iter()
        .map(|one| one.json())
        .collect();
    let mut answer = json!({});
    if !page.is_empty() {
        answer["conversations"] = page.into();
    }
    answer["totalHits"] = found.len().into();
    Ok(Reply::ok(&answer))
}

/// The interval of a query, which it must have.
pub(super) fn interval(body: &Value) -> Result<Range<i64>, Reply> {
    let interval = body["interval"].as_str();
    let missing = || Reply::bad_request("interval is required.");
    timestamp::parse_interval(interval.ok_or_else(missing)?).ok_or_else(|| {
        Reply::bad_request(
            "interval must be of the form yyyy-MM-ddTHH:mm:ssZ/yyyy-MM-ddTHH:mm:ssZ.",
        )
    })
}

pub(super) fn descending(body: &Value) -> bool {
    body["order"]
        .as_str()
        .is_some_and(|order| order.eq_ignore_ascii_case("desc"))
}

pub(super) fn select<'a>(
    all: &'a [Conversation],
    interval: &Range<i64>,
    descending: bool,
) -> Vec<&'a Conversation> {
    let mut found: Vec<_> = all.iter().filter(|one| one.begins_in(interval)).collect();
    if descending {
        found.reverse();
    }
    found
}

fn number(value: &Value, name: &str, default: usize, max: usize) -> Result<usize, Reply> {
    if value.is_null() {
        return Ok(default);
    }
    let number = value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok());
    let number = number.filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| out_of_range(name, max))
}
