//! One request, from its head to its response: record it, find its rule, read
//! its body, wait, handle it. The in-memory service and the server both end
//! here, so they cannot differ.

use std::{
    future::pending,
    pin::{Pin, pin},
};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use serde_json::Value;

use super::{
    MockError, api, authorize,
    body::{Fault, MockBody},
    cors,
    holds::Releases,
    oauth,
    record::{self, Recorded},
    reply::Reply,
    rules::{Plan, Reaction},
    state::{Place, Shared, State},
};
use crate::BoxError;

/// The methods that a 405 may name as allowed.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A response, and the request body if a rule leaves it unread.
pub(super) type Answered<B> = (Response<MockBody>, Option<Pin<Box<B>>>);

/// The decisions about a request, made when its head arrives.
struct Arrival {
    /// The request in the journal.
    number: u64,
    plan: Plan,
    /// The holds on its route at that time.
    releases: Releases,
}

/// Handles a request, in memory and on the wire.
///
/// # Cancellation
///
/// A request that has arrived stays counted. Its effects come with the response
/// or not at all, because [`conclude`] does not await.
pub(super) async fn respond<B>(
    shared: &Shared,
    request: Request<B>,
) -> Result<Answered<B>, MockError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (head, body) = request.into_parts();
    // Before the journal: browsers add preflights by their own rules, and a
    // test counts what its program sends.
    if let Some(reply) = cors::preflight(&head) {
        return Ok((
            reply.into_response(Fault::None, &mut shared.lock().random),
            None,
        ));
    }
    let Arrival {
        number,
        plan,
        releases,
    } = arrive(shared, &head);
    let early = matches!(plan.reaction, Reaction::Early(_));
    let (body, unread) = if early {
        (Bytes::new(), Some(Box::pin(body)))
    } else {
        (read(shared, number, body).await?, None)
    };
    // After the body: a held request has reached the server as a whole.
    wait(shared, &plan, releases).await;
    // After the waits, so that a script can combine a delay with any of these.
    match plan.reaction {
        Reaction::Never => pending().await,
        Reaction::Reset => Err(MockError::reset()),
        _ => Ok((conclude(shared, number, plan, &head, &body), unread)),
    }
}

/// Records the head of a request, and decides what happens to it. All in one
/// lock: two concurrent requests never get the same ordinal.
fn arrive(shared: &Shared, head: &Parts) -> Arrival {
    let path = shared.place(head.uri.path()).path();
    let mut state = shared.lock();
    let arrival = Arrival {
        number: state.journal.arrive(path, Recorded::new(head)),
        plan: state.rules.arrive(&head.method, path),
        releases: state.holds.releases(&head.method, path),
    };
    drop(state);
    shared.changed.notify_waiters();
    arrival
}

/// Reads the body to its end, and records the part that arrived if it breaks
/// off.
async fn read<B>(shared: &Shared, number: u64, body: B) -> Result<Bytes, MockError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut read = BytesMut::new();
    let result = loop {
        match body.frame().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(MockError::request_body(error.into())),
            Some(Ok(frame)) => {
                if let Ok(mut data) = frame.into_data() {
                    read.extend_from_slice(&data.copy_to_bytes(data.remaining()));
                }
            }
        }
    };
    let read = read.freeze();
    let mut state = shared.lock();
    state.journal.body(number, read.clone(), result.is_ok());
    drop(state);
    result.map(|()| read)
}

/// Waits for the latency, the delay of the rule, and the holds.
async fn wait(shared: &Shared, plan: &Plan, releases: Releases) {
    let delay = shared.latency.saturating_add(plan.delay);
    // Even a sleep of zero needs a timer. Without it, a response in memory is
    // ready at the first poll.
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    releases.wait().await;
}

/// Handles a request, in one lock and without awaits, and makes its response.
///
/// A scripted response replaces that of the API, but not its checks: a stack
/// that sends no token or no host must fail in a test, too.
fn conclude(
    shared: &Shared,
    number: u64,
    plan: Plan,
    head: &Parts,
    body: &[u8],
) -> Response<MockBody> {
    let mut state = shared.lock();
    let state = &mut *state;
    // Before the check of the token: a scripted revocation is for this request.
    if let Some(bearer) = record::bearer(&head.headers) {
        state.tokens.meet(bearer, plan.token);
    }
    let place = shared.place(head.uri.path());
    // A malformed request precedes the script. A missing token does too, unless
    // the rule is for anyone.
    let mut reply = match &plan.reaction {
        _ if !names_host(head) => Reply::bad_request("The request has no Host header."),
        Reaction::Scripted(reply) | Reaction::Early(reply) => {
            match refusal(state, place, &plan, head) {
                Some(refusal) => refusal,
                None => reply.clone(),
            }
        }
        _ => handle(state, place, &plan, head, body),
    };
    // Scripted headers come last: a test may want wrong ones.
    finish(&mut reply, head);
    for (name, value) in &plan.headers {
        reply.headers.insert(name, value.clone());
    }
    state.journal.answered(number, reply.status);
    reply.into_response(plan.fault, &mut state.random)
}

/// Returns whether the request names a host. HTTP/1.1 wants a 400 otherwise
/// (RFC 9112, section 3.2).
fn names_host(head: &Parts) -> bool {
    head.uri.authority().is_some() || head.headers.contains_key(header::HOST)
}

/// Returns the 401 of an API request without a valid token, unless the rule is
/// for anyone.
fn refusal(state: &State, place: Place<'_>, plan: &Plan, head: &Parts) -> Option<Reply> {
    match place {
        Place::Api(_) if !plan.to_anyone => api::authenticate(state, &head.headers).err(),
        _ => None,
    }
}

/// Adds what a server adds to any response.
fn finish(reply: &mut Reply, head: &Parts) {
    if reply.status == StatusCode::METHOD_NOT_ALLOWED {
        let others = METHODS.iter().filter(|name| **name != head.method.as_str());
        let others = others.copied().collect::<Vec<_>>().join(", ");
        let allow = HeaderValue::try_from(others);
        if let (Ok(allow), false) = (allow, reply.headers.contains_key(header::ALLOW)) {
            reply.headers.insert(header::ALLOW, allow);
        }
    }
    // RFC 9110, section 9.3.2: as for a GET, without the body.
    if head.method == Method::HEAD {
        reply.body = Bytes::new();
    }
    cors::allow(&head.headers, reply);
}

/// Passes a request on to the token endpoint, the login or the API.
fn handle(state: &mut State, place: Place<'_>, plan: &Plan, head: &Parts, body: &[u8]) -> Reply {
    let (method, headers) = (&head.method, &head.headers);
    match place {
        Place::Login("/oauth/token") => {
            let reply = oauth::token(state, method, headers, body);
            match &plan.expires_in {
                Some(raw) if reply.status.is_success() => expires_in(reply, raw),
                _ => reply,
            }
        }
        Place::Login("/oauth/authorize") => {
            authorize::authorize(state, method, head.uri.query().unwrap_or_default())
        }
        Place::Api(path) => {
            let query = head.uri.query().unwrap_or_default();
            api::handle(state, method, (path, query), headers, body)
        }
        Place::Login(_) | Place::Nowhere(_) => api::unknown(),
    }
}

/// Replaces `expires_in` in a token response.
fn expires_in(reply: Reply, raw: &str) -> Reply {
    reply.edit(|body| {
        let Some(body) = body.as_object_mut() else {
            return;
        };
        if raw.is_empty() {
            body.remove("expires_in");
        } else {
            let value = serde_json::from_str(raw).unwrap_or_else(|_| Value::from(raw));
            body.insert("expires_in".into(), value);
        }
    })
}
