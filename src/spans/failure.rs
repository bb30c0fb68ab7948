use std::{error::Error, io};

use http::StatusCode;

use crate::{
    TokenError, call::Refused, collect::BodyBroken, error::causes, replay::ReplayBodyError,
};

/// What failed, in a word of a small set.
pub(super) fn name(error: &(dyn Error + 'static)) -> &'static str {
    causes(error).find_map(known).unwrap_or("transport")
}

/// Of a status that is no success for a client.
pub(super) fn of_status(status: StatusCode) -> Option<StatusCode> {
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

fn known(error: &(dyn Error + 'static)) -> Option<&'static str> {
    // First, and without a look at its source, which is an error of the token endpoint.
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
        // It may be around another error that says more.
        _ => return None,
    })
}
