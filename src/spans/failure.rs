//! The names of failures in spans and metrics.

use std::{error::Error, io};

use http::StatusCode;

use crate::{
    TokenError, call::Refused, collect::BodyBroken, error::causes, replay::ReplayBodyError,
};

/// Returns the `error.type` of an error: one word of a small, fixed set.
pub(super) fn name(error: &(dyn Error + 'static)) -> &'static str {
    causes(error).find_map(known).unwrap_or("transport")
}

/// Returns the status if it is a client or server error (400 or above).
pub(super) fn of_status(status: StatusCode) -> Option<StatusCode> {
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

/// Returns the name of one error of a chain, or `None` to look at its cause.
fn known(error: &(dyn Error + 'static)) -> Option<&'static str> {
    // The outermost error that is known here names the failure. A token error
    // comes first: its source is an error of the token endpoint, and would read
    // as a failure of the API.
    if let Some(error) = error.downcast_ref::<TokenError>() {
        return Some(error.kind().as_str());
    }
    if error.is::<Refused>() {
        return Some("refused");
    }
    if error.is::<ReplayBodyError>() {
        return Some("request_body");
    }
    if error.is::<BodyBroken>() {
        return Some("response_body");
    }
    let io = error.downcast_ref::<io::Error>()?;
    Some(match io.kind() {
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::ConnectionReset => "connection_reset",
        io::ErrorKind::ConnectionAborted => "connection_aborted",
        io::ErrorKind::BrokenPipe => "broken_pipe",
        io::ErrorKind::TimedOut => "timed_out",
        io::ErrorKind::UnexpectedEof => "unexpected_eof",
        // Another kind may wrap an error that says more, so the search goes
        // down the chain.
        _ => return None,
    })
}
