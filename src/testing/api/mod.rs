//! The endpoints under `/api/v2`.

mod details;
mod jobs;
mod me;
mod users;

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

pub use self::jobs::JobEnd;
use self::{jobs::Jobs, users::Users};
use super::{
    data::{self, Conversation},
    random::Random,
    record,
    reply::{Reply, whole_seconds},
    state::State,
    tokens::Token,
};

/// What the API keeps.
pub(super) struct Api {
    conversations: Vec<Conversation>,
    pub(super) jobs: Jobs,
    pub(super) users: Users,
    organization: String,
}

/// One request that has shown a good token.
struct Call<'a> {
    method: &'a Method,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
    token: Token,
}

impl Api {
    pub(super) fn new(random: &mut Random, conversations: usize, users: usize) -> Self {
        Self {
            conversations: data::conversations(random, conversations),
            jobs: Jobs::default(),
            users: Users::new(random, users),
            organization: random.uuid(),
        }
    }
}

/// The bearer of a request, and the token that it is; the error is the 401 for want of a good one.
pub(super) fn authenticate<'a>(
    state: &State,
    headers: &'a HeaderMap,
) -> Result<(&'a str, Token), Reply> {
    let bearer = record::bearer(headers).ok_or_else(Reply::authentication_required)?;
    let token = state.tokens.get(bearer).cloned();
    Ok((bearer, token.ok_or_else(Reply::bad_credentials)?))
}

/// What a request to the API is answered.
pub(super) fn handle(
    state: &mut State,
    method: &Method,
    (path, query): (&str, &str),
    headers: &HeaderMap,
    body: &[u8],
) -> Reply {
    let (bearer, token) = match authenticate(state, headers) {
        Ok(known) => known,
        Err(refusal) => return refusal,
    };
    if let Err((wait, limit)) = state.tokens.spend(bearer) {
        return Reply::too_many_requests(Some(whole_seconds(wait)), limit);
    }
    if let Some(reply) = state.lists.answer(method, (path, query), body) {
        return reply;
    }
    let call = Call {
        method,
        query,
        headers,
        body,
        token,
    };
    let Some(path) = path.strip_prefix("/api/v2/") else {
        return unknown();
    };
    let segments: Vec<_> = path.split('/').collect();
    match segments[..] {
        ["analytics", "conversations", "details", "query"] => details::query(state, &call),
        ["analytics", "conversations", "details", "jobs"] => jobs::submit(state, &call),
        [
            "analytics",
            "conversations",
            "details",
            "jobs",
            "availability",
        ] => jobs::availability(&call),
        ["analytics", "conversations", "details", "jobs", id] => jobs::status(state, &call, id),
        [
            "analytics",
            "conversations",
            "details",
            "jobs",
            id,
            "results",
        ] => jobs::results(state, &call, id),
        ["users"] => users::collection(state, &call),
        ["users", "me"] => me::user(state, &call),
        ["users", id] => users::one(state, &call, id),
        ["tokens", "me"] => me::token(state, &call, bearer),
        _ => unknown(),
    }
}

pub(super) fn unknown() -> Reply {
    Reply::not_found("The requested resource was not found.")
}

impl Call<'_> {
    /// The body, which has to be a JSON object; none at all counts as an empty one.
    fn json(&self) -> Result<Value, Reply> {
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap_or(""));
        let essence = |value: &str| value.split(';').next().unwrap_or("").trim().to_lowercase();
        if content_type.is_some_and(|value| essence(value) != "application/json") {
            let message = "The content type must be application/json.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Reply::api_error(status, "unsupported.media.type", message));
        }
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        match serde_json::from_slice(self.body) {
            Ok(body @ Value::Object(_)) => Ok(body),
            _ => Err(Reply::bad_request("The request body is not a JSON object.")),
        }
    }

    /// A parameter of the query.
    fn parameter(&self, name: &str) -> Option<String> {
        let mut query = form_urlencoded::parse(self.query.as_bytes());
        let found = query.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// The values of a parameter that may come several times, or several in one with commas.
    fn list(&self, name: &str) -> Vec<String> {
        let query = form_urlencoded::parse(self.query.as_bytes());
        let found = query.filter(|(key, _)| key == name);
        let values =
            found.flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>());
        values.filter(|value| !value.is_empty()).collect()
    }

    /// The query without these parameters, to go on with behind an `&`.
    fn query_without(&self, names: &[&str]) -> String {
        let mut rest = form_urlencoded::Serializer::new(String::new());
        let query = form_urlencoded::parse(self.query.as_bytes());
        rest.extend_pairs(query.filter(|(key, _)| !names.contains(&&**key)));
        match rest.finish() {
            rest if rest.is_empty() => rest,
            rest => format!("&{rest}"),
        }
    }

    /// A number in the query, within these bounds.
    fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, Reply> {
        match self.parameter(name).map(|text| text.parse()) {
            None => Ok(default),
            Some(Ok(number)) if (1..=max).contains(&number) => Ok(number),
            Some(_) => Err(out_of_range(name, max)),
        }
    }
}

fn out_of_range(name: &str, max: usize) -> Reply {
    Reply::bad_request(&format!("{name} must be a number from 1 to {max}."))
}

/// The items of a page, the first being 1.
fn page<T>(items: &[T], size: usize, number: usize) -> &[T] {
    let begin = number.saturating_sub(1).saturating_mul(size);
    let begin = begin.min(items.len());
    let end = begin.saturating_add(size).min(items.len());
    &items[begin..end]
}
