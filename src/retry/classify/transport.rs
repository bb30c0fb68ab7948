//! The errors of hyper, hyper-util, h2 and reqwest.

use std::error::Error;

use hyper_util::client::legacy::Error as ClientError;

use super::Class;

const TRANSIENT: Class = Class::Transient { after: None };

/// The text of hyper's error when the task of a connection ended, by a panic or
/// with its runtime, while a request was in flight. It is one of hyper's user
/// errors, and no predicate distinguishes it from the others.
const DISPATCH_GONE: &str = "dispatch task is gone";

/// Returns the class of this error itself (not of its source), if it is from
/// one of these libraries and does not leave the decision to its source.
pub(super) fn classify(error: &(dyn Error + 'static)) -> Option<Class> {
    #[cfg(feature = "reqwest-013")]
    if let Some(error) = error.downcast_ref() {
        return reqwest(error);
    }
    if let Some(error) = error.downcast_ref() {
        return client(error);
    }
    if let Some(error) = error.downcast_ref() {
        return connection(error);
    }
    error.downcast_ref().map(stream)
}

#[cfg(feature = "reqwest-013")]
fn reqwest(error: &::reqwest::Error) -> Option<Class> {
    // A resend fails in the same way: reqwest does not accept the URL, or does
    // not follow its redirects (too many, for example).
    if error.is_builder() || error.is_redirect() {
        return Some(Class::Final);
    }
    // Without a URL it may be the error of a later hop, after the first request
    // was executed: `HttpService` removes the URL then. Otherwise the source
    // decides, an error of hyper-util.
    error.url().is_none().then_some(TRANSIENT)
}

fn client(error: &ClientError) -> Option<Class> {
    if error.is_connect() {
        return Some(Class::NotSent);
    }
    // Every failure of a connection has a source. An error without one means
    // that the client refused the request itself: no absolute URI, or an
    // unsupported HTTP version.
    error.source().is_none().then_some(Class::Final)
}

fn connection(error: &hyper::Error) -> Option<Class> {
    // Canceled: the request was still in hyper's queue when the connection went
    // away. Closed: the connection was gone before. (A closed channel of a
    // request body has the same kind, but comes inside a user error.)
    if error.is_canceled() || error.is_closed() {
        return Some(Class::Unprocessed);
    }
    // The caller's body failed, or the request is invalid: a resend would fail
    // in the same way. If the task of the connection ended, another connection
    // works, but the request may have been written.
    if error.is_user() {
        let gone = error.to_string() == DISPATCH_GONE;
        return Some(if gone { TRANSIENT } else { Class::Final });
    }
    // The source decides, such as an error of HTTP/2 or of the socket; without
    // one, the error is transient. An incomplete message is: a server that
    // closes an idle connection, and one that crashes during execution, look
    // the same.
    None
}

fn stream(error: &h2::Error) -> Class {
    // `REFUSED_STREAM` promises that nothing was done (RFC 9113,
    // section 8.7). h2 gives the error of a GOAWAY only to streams above the
    // last one that the server has seen, and to those not opened yet.
    let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
    if error.is_remote() && (error.is_go_away() || (error.is_reset() && refused)) {
        return Class::Unprocessed;
    }
    TRANSIENT
}
