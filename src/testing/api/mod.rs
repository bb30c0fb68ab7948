//! The endpoints under `/api/v2`: the token, the rate limit, the lists of a
//! test, and then the mock's own endpoints.

mod call;
mod contents;
mod details;
mod jobs;
mod users;

use http::{HeaderMap, Method};

use self::call::Call;
pub(super) use self::contents::Api;
pub use self::contents::JobEnd;
use super::{
    record,
    reply::{Reply, whole_seconds},
    state::State,
    tokens::Token,
};

/// Returns the bearer of a request and its token. Without a valid token, the
/// error is a 401.
pub(super) fn authenticate<'a>(
    state: &State,
    headers: &'a HeaderMap,
) -> Result<(&'a str, Token), Reply> {
    let bearer = record::bearer(headers).ok_or_else(Reply::authentication_required)?;
    let token = state.tokens.get(bearer).cloned();
    Ok((bearer, token.ok_or_else(Reply::bad_credentials)?))
}

/// Handles a request to the API.
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
    // Only valid tokens have a limit, so this comes after the 401.
    if let Err((wait, limit)) = state.tokens.spend(bearer) {
        return Reply::too_many_requests(Some(whole_seconds(wait)), limit);
    }
    // Before the mock's own endpoints: a test may replace one of them by a
    // list.
    if let Some(reply) = state.lists.respond(method, (path, query), body) {
        return reply;
    }
    let call = Call {
        method,
        query,
        headers,
        body,
        token,
    };
    match path.strip_prefix("/api/v2/") {
        Some(path) => route(state, &call, path, bearer),
        None => unknown(),
    }
}

/// Passes a request on to the endpoint at a path, relative to `/api/v2/`.
fn route(state: &mut State, call: &Call<'_>, path: &str, bearer: &str) -> Reply {
    let segments: Vec<_> = path.split('/').collect();
    match segments[..] {
        ["analytics", "conversations", "details", "query"] => details::query(state, call),
        ["analytics", "conversations", "details", "jobs"] => jobs::submit(state, call),
        [
            "analytics",
            "conversations",
            "details",
            "jobs",
            "availability",
        ] => jobs::availability(call),
        ["analytics", "conversations", "details", "jobs", id] => jobs::status(state, call, id),
        [
            "analytics",
            "conversations",
            "details",
            "jobs",
            id,
            "results",
        ] => jobs::results(state, call, id),
        ["users"] => users::collection(state, call),
        ["users", "me"] => users::me(state, call),
        ["users", id] => users::one(state, call, id),
        ["tokens", "me"] => users::my_token(state, call, bearer),
        _ => unknown(),
    }
}

/// Returns the 404 for a path that the mock does not have. Its message, which
/// the failed test prints, says that it is the mock that has no such path.
pub(super) fn unknown() -> Reply {
    Reply::not_found(
        "The mock has no such path: script it with `MockGenesys::on`, or `add_list` for a list.",
    )
}
