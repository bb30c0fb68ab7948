//! Parses an [`ApiError`] from a body and headers that may hold anything.
//!
//! Each field is read by itself, so a field of an unexpected type costs that
//! field only. The numbers below bound memory and time, whatever the server
//! sends.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use serde_json::{Map, Value};

use super::{
    entry::{ErrorDetail, RateLimit},
    error::{ApiError, Condition, Inner},
    message::{message, permissions, wait_in},
    not_sent_again::NotSentAgain,
    text::text,
};
use crate::{
    BoxError,
    genesys::answer::{self, Bounds, Unread, coding, correlation_id, is_plain, without_mark},
    retry::{Outcome, RetryAfter},
};

/// How many entries of `errors` and `details` are kept, in all levels together.
/// The API sends at most one for each field or entity of a bulk request.
const MOST_ENTRIES: usize = 64;

/// How deep `errors` may be nested. The API sends one level.
const MOST_LEVELS: usize = 3;

/// The time for the body of an error. It is below 4 KiB and arrives with its
/// head. A longer wait would not pay, since the status is known.
const LONGEST_READ: Duration = Duration::from_secs(10);

impl ApiError {
    /// Parses the error in a response with this status, these headers and this
    /// body.
    ///
    /// It never fails. If the body is not a JSON object, the error has the
    /// status and the facts of the headers.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        Self::from_inner(parse(status, headers, body))
    }

    /// Reads at most `limit` bytes of a response's body, and parses them. The
    /// message also includes the `Outcome` that the layers left in the
    /// response's extensions.
    ///
    /// The usual limit is [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT). Check the
    /// status first: `read` returns an error for a successful response, too.
    ///
    /// # Errors
    ///
    /// It never fails. Status and headers are always kept. The body is dropped
    /// if it exceeds the limit, takes longer than 10 seconds, or is still
    /// compressed (`content-encoding`). If the body breaks off,
    /// [`source`](std::error::Error::source) has the cause.
    ///
    /// # Cancellation
    ///
    /// If you drop the future, it drops the response. Outside of a tokio
    /// runtime, the time is not limited.
    pub async fn read<R>(response: Response<R>, limit: usize) -> Self
    where
        R: Body,
        R::Error: Into<BoxError>,
    {
        let (head, body) = response.into_parts();
        let without = |condition| without_body(head.status, &head.headers, condition);
        let bounds = Bounds {
            bytes: limit,
            time: LONGEST_READ,
        };
        let mut inner = match answer::read(&head.headers, body, bounds).await {
            Ok(body) => parse(head.status, &head.headers, &body),
            Err(Unread::TooLong) => without(Condition::TooLong),
            Err(Unread::Late) => without(Condition::Late),
            Err(Unread::Encoded(coding)) => without(Condition::Encoded(coding)),
            Err(Unread::BrokenOff(error)) => {
                let mut inner = without(Condition::BrokenOff);
                inner.source = Some(error.into());
                inner
            }
        };
        inner.not_sent_again = NotSentAgain::of(&head.extensions);
        let outcome = Outcome::of(&head.extensions);
        inner.repeated = outcome.is_some_and(|outcome| outcome.sends > 1);
        Self::from_inner(inner)
    }
}

/// Parses a body that was read completely.
fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Inner {
    // An answer in another character set is still mostly readable.
    let json = String::from_utf8_lossy(without_mark(body));
    let mut inner = match serde_json::from_str(&json) {
        Ok(Value::Object(fields)) => {
            let mut left = MOST_ENTRIES;
            inner(&fields, status, MOST_LEVELS, &mut left)
        }
        Ok(_) | Err(_) if json.trim().is_empty() => bare(status, Condition::Empty),
        // The header explains why the bytes are not JSON.
        Ok(_) | Err(_) => bare(
            status,
            coding(headers).map_or(Condition::Foreign, Condition::Encoded),
        ),
    };
    add_headers(&mut inner, headers);
    inner
}

/// Returns an error without the fields of a body.
fn without_body(status: StatusCode, headers: &HeaderMap, condition: Condition) -> Inner {
    let mut inner = bare(status, condition);
    add_headers(&mut inner, headers);
    inner
}

/// Returns an error that has a status only.
fn bare(status: StatusCode, body: Condition) -> Inner {
    Inner {
        status,
        body,
        code: None,
        message: None,
        context_id: None,
        entity_id: None,
        entity_name: None,
        limit: None,
        missing_permissions: Vec::new(),
        retry_after: None,
        details: Vec::new(),
        errors: Vec::new(),
        not_sent_again: None,
        repeated: false,
        source: None,
    }
}

/// Adds the facts of the headers. Of two ids, the body's is kept. Of two waits,
/// the header's is kept, since the layers follow that one.
fn add_headers(inner: &mut Inner, headers: &HeaderMap) {
    if inner.context_id.is_none() {
        inner.context_id = correlation_id(headers).map(Into::into);
    }
    let asked = RetryAfter::from_headers(headers, SystemTime::now()).map(RetryAfter::get);
    inner.retry_after = stated(asked).or(inner.retry_after);
}

/// Ignores a wait of zero: a caller that sleeps for it would send in a loop.
fn stated(wait: Option<Duration>) -> Option<Duration> {
    wait.filter(|wait| !wait.is_zero())
}

/// Reads the fields of an error, and of at most `levels` levels of errors in
/// it. `left` counts down the entries that may still be kept.
fn inner(
    fields: &Map<String, Value>,
    status: StatusCode,
    levels: usize,
    left: &mut usize,
) -> Inner {
    let field = |name| fields.get(name).and_then(text);
    let code = field("code");
    let message = message(fields);
    let missing_permissions = if lacks_permissions(status, code.as_deref()) {
        permissions(fields, message.as_deref())
    } else {
        Vec::new()
    };
    let seconds = message.as_deref().and_then(wait_in);
    // An object with neither is JSON of another program.
    let understood = code.is_some() || message.is_some();
    Inner {
        code,
        missing_permissions,
        retry_after: stated(seconds.map(|seconds| {
            let asked = Duration::from_secs(seconds);
            RetryAfter::new(asked).get()
        })),
        message,
        context_id: fields
            .get("contextId")
            .and_then(Value::as_str)
            .filter(|id| is_plain(id))
            .map(Into::into),
        entity_id: field("entityId"),
        entity_name: field("entityName"),
        limit: fields.get("limit").and_then(RateLimit::from_json),
        details: objects(fields, "details", left)
            .map(ErrorDetail::from_json)
            .collect(),
        errors: errors(fields, status, levels, left),
        ..bare(
            status,
            if understood {
                Condition::Understood
            } else {
                Condition::Foreign
            },
        )
    }
}

/// Reads the errors in `errors`, each with its own status if it has one.
fn errors(
    fields: &Map<String, Value>,
    status: StatusCode,
    levels: usize,
    left: &mut usize,
) -> Vec<ApiError> {
    // The nesting comes from the server, so its depth is bounded.
    let Some(levels) = levels.checked_sub(1) else {
        return Vec::new();
    };
    // All of this level are taken before those of the next one, so that an
    // early error does not use up the entries of its siblings.
    let nested: Vec<_> = objects(fields, "errors", left).collect();
    let read = |fields: &Map<String, Value>| {
        let own = fields.get("status").and_then(Value::as_u64);
        let own = own.and_then(|own| StatusCode::from_u16(own.try_into().ok()?).ok());
        ApiError::from_inner(inner(fields, own.unwrap_or(status), levels, left))
    };
    nested.into_iter().map(read).collect()
}

/// Returns the objects in a list, until none is `left` to take.
fn objects<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
    left: &mut usize,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let list = fields.get(name).and_then(Value::as_array);
    let objects = list.into_iter().flatten().filter_map(Value::as_object);
    let most = *left;
    let taken = objects.clone().take(most).count();
    *left -= taken;
    objects.take(most)
}

/// Reports whether to look for permissions: in other errors, a word with two
/// colons is something else.
fn lacks_permissions(status: StatusCode, code: Option<&str>) -> bool {
    status == StatusCode::FORBIDDEN
        || code.is_some_and(|code| code.starts_with("missing.") && code.ends_with("permissions"))
}
