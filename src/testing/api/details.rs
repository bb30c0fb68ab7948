//! Details queries, and what jobs share with them.

use std::ops::Range;

use http::Method;
use serde_json::{Value, json};

use super::call::{Call, out_of_range, page};
use crate::testing::{data::Conversation, reply::Reply, state::State, timestamp};

/// The API's largest page of a details query.
const MAX_PAGE: usize = 100;

/// Handles `POST /api/v2/analytics/conversations/details/query`.
pub(super) fn query(state: &State, call: &Call<'_>) -> Reply {
    if call.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    run(state, call).unwrap_or_else(|refusal| refusal)
}

/// Runs a query. The error is the response, too.
fn run(state: &State, call: &Call<'_>) -> Result<Reply, Reply> {
    let body = call.json()?;
    let interval = timestamp::days(&interval(&body)?);
    let paging = &body["paging"];
    if !(paging.is_null() || paging.is_object()) {
        return Err(Reply::bad_request("paging must be an object."));
    }
    let size = number(&paging["pageSize"], "pageSize", 25, MAX_PAGE)?;
    let number = number(&paging["pageNumber"], "pageNumber", 1, 100_000)?;
    // A query finds what began on any day that its interval touches, so
    // adjacent intervals may both find a conversation.
    let begins_in = |one: &Conversation| one.begins_in(&interval);
    let found = select(&state.api.conversations, begins_in, descending(&body)?);
    let page: Vec<_> = page(&found, size, number)
        .iter()
        .map(|one| one.json())
        .collect();
    let mut response = json!({});
    // Past the end, the API omits the field.
    if !page.is_empty() {
        response["conversations"] = page.into();
    }
    response["totalHits"] = found.len().into();
    Ok(Reply::ok(&response))
}

/// Returns the interval of a query, which is required.
pub(super) fn interval(body: &Value) -> Result<Range<i64>, Reply> {
    let interval = body["interval"].as_str();
    let missing = || Reply::bad_request("interval is required.");
    timestamp::parse_interval(interval.ok_or_else(missing)?).ok_or_else(|| {
        Reply::bad_request(
            "interval must be of the form yyyy-MM-ddTHH:mm:ssZ/yyyy-MM-ddTHH:mm:ssZ.",
        )
    })
}

/// Returns the order of a query. The default is ascending.
pub(super) fn descending(body: &Value) -> Result<bool, Reply> {
    match &body["order"] {
        Value::Null => Ok(false),
        Value::String(order) if order.eq_ignore_ascii_case("asc") => Ok(false),
        Value::String(order) if order.eq_ignore_ascii_case("desc") => Ok(true),
        _ => Err(Reply::bad_request("order must be asc or desc.")),
    }
}

/// Returns the conversations that a query finds, in its order.
pub(super) fn select(
    all: &[Conversation],
    is_found: impl Fn(&Conversation) -> bool,
    descending: bool,
) -> Vec<&Conversation> {
    let mut found: Vec<_> = all.iter().filter(|one| is_found(one)).collect();
    if descending {
        found.reverse();
    }
    found
}

/// Returns a number of the body, within these bounds.
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
