//! The built-in classifiers, and their search for a known cause in a chain of
//! errors.

use std::{error::Error, io};

use http::StatusCode;

use super::{Class, Classify, RequestHead, ResponseHead, TRANSIENT_STATUSES, classify_response};
use crate::{
    BoxError, TokenError,
    call::Refused,
    collect::BodyBroken,
    error::{StaleConnection, causes, find},
    replay::ReplayBodyError,
};

/// The [`Classify`] for services with one type of error, such as
/// `hyper_util::client::legacy::Error`, `reqwest::Error` or
/// `tonic::transport::Error`.
///
/// It classifies as [`BoxErrorClassifier`] does.
///
/// # Default
///
/// [`TRANSIENT_STATUSES`].
#[derive(Clone, Copy, Debug)]
pub struct ErrorClassifier {
    transient: &'static [StatusCode],
}

/// The [`Classify`] for services whose error is a [`BoxError`], such as
/// [`Bearer`](crate::bearer) and most of tower's middleware.
///
/// A 429 is [`Throttled`](Class::Throttled), the statuses of a list are
/// [`Transient`](Class::Transient), and every other response is final.
///
/// An error is classified by its causes, from the outermost inwards
/// (`source()`, and the error inside of an `io::Error`). The first known cause
/// decides:
///
/// | cause | class |
/// |---|---|
/// | [`TokenError`](crate::TokenError) | final: the token cache has its own retry policy |
/// | [`ReplayBodyError`](crate::replay::ReplayBodyError): the request's body failed | final |
/// | [`Refused`](crate::call::Refused): not sent, for example to a foreign origin | final |
/// | no connection was made (hyper-util `is_connect`, `ConnectionRefused`) | not sent |
/// | hyper returned the request unsent (`is_canceled`), or the connection was closed before it was written | unprocessed |
/// | HTTP/2: `REFUSED_STREAM`, or above the last stream of the server's `GOAWAY` | unprocessed |
/// | a connection of [`Client`](crate::client) broke that had served earlier requests | stale connection |
/// | the task of the connection ended, by a panic or with its runtime (hyper) | transient |
/// | the request was invalid, or its body failed (hyper `is_user`) | final |
/// | reqwest cannot build the request, or does not follow its redirects | final |
/// | an error of reqwest without a URL, perhaps from a later hop of a redirect | transient |
/// | any other error of hyper or h2: broken off, reset, malformed | transient |
/// | [`BodyBroken`](crate::collect::BodyBroken): the body of a response broke off | transient |
/// | tower's `Elapsed` (feature `tower`), all other errors | transient |
///
/// An unknown error is transient, because after a transient failure `Retry`
/// resends only repeatable requests, a few times and within the budget.
///
/// The rows about hyper, hyper-util and h2 need the feature `hyper`, and those
/// about reqwest need `reqwest-013`.
///
/// # Default
///
/// [`TRANSIENT_STATUSES`].
#[derive(Clone, Copy, Debug)]
pub struct BoxErrorClassifier {
    transient: &'static [StatusCode],
}

macro_rules! settings {
    ($classifier:ident) => {
        impl $classifier {
            /// Creates the classifier, with [`TRANSIENT_STATUSES`].
            pub const fn new() -> Self {
                Self {
                    transient: TRANSIENT_STATUSES,
                }
            }

            /// Sets the statuses that are transient, in place of
            /// [`TRANSIENT_STATUSES`], which has an example. A 429 is always
            /// throttled.
            #[must_use]
            pub const fn with_statuses(mut self, transient: &'static [StatusCode]) -> Self {
                self.transient = transient;
                self
            }

            /// Returns the class of this error, which does not depend on the
            /// request.
            ///
            /// ```
            /// use std::io;
            #[doc = concat!("use tower_genesys::retry::{", stringify!($classifier), ", Class};")]
            ///
            /// let error = io::Error::from(io::ErrorKind::ConnectionRefused);
            #[doc = concat!("let class = ", stringify!($classifier), "::new().class_of(&error);")]
            /// assert_eq!(class, Class::NotSent);
            /// ```
            pub fn class_of(&self, error: &(dyn Error + 'static)) -> Class {
                classify(error)
            }
        }

        impl Default for $classifier {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}

settings!(ErrorClassifier);
settings!(BoxErrorClassifier);

impl<E: Error + 'static> Classify<E> for ErrorClassifier {
    fn response(&self, _: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        classify_response(self.transient, response)
    }

    fn error(&self, _: RequestHead<'_>, error: &E) -> Class {
        classify(error)
    }
}

impl Classify<BoxError> for BoxErrorClassifier {
    fn response(&self, _: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        classify_response(self.transient, response)
    }

    fn error(&self, _: RequestHead<'_>, error: &BoxError) -> Class {
        classify(&**error)
    }
}

/// Returns the class of the outermost known cause, or transient without one.
fn classify(error: &(dyn Error + 'static)) -> Class {
    let class = causes(error)
        .find_map(known)
        .unwrap_or(Class::Transient { after: None });
    // A stale connection, anywhere in the chain, explains a transient failure.
    // A cause that says more takes precedence.
    match class {
        Class::Transient { .. } if find::<StaleConnection>(error).is_some() => {
            Class::StaleConnection
        }
        class => class,
    }
}

/// Returns the class of this error itself, if it is known. Its source is not
/// considered.
///
/// The errors of this crate come first: they are final or transient whatever
/// their source is, and their source may be about another request.
fn known(error: &(dyn Error + 'static)) -> Option<Class> {
    // The source may be a connect error of the token request. It would make the
    // API request look unsent, and `Retry` would resend it.
    if error.is::<TokenError>() {
        return Some(Class::Final);
    }
    // A request that was refused before it was sent is refused again.
    if error.is::<Refused>() {
        return Some(Class::Final);
    }
    // The body of the request failed or is gone, and no resend brings it back.
    if error.is::<ReplayBodyError>() {
        return Some(Class::Final);
    }
    // The response had begun, so the request was executed. The source may be an
    // error that otherwise means the opposite.
    if error.is::<BodyBroken>() {
        return Some(Class::Transient { after: None });
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        // Only a connect can be refused, and nothing is sent before it. An
        // error that wraps another one leaves the decision to that one.
        let refused = io.kind() == io::ErrorKind::ConnectionRefused;
        return (refused && io.get_ref().is_none()).then_some(Class::NotSent);
    }
    #[cfg(feature = "tower")]
    if error.is::<tower::timeout::error::Elapsed>() {
        return Some(Class::Transient { after: None });
    }
    #[cfg(feature = "hyper")]
    if let Some(class) = super::transport::classify(error) {
        return Some(class);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;
    use crate::token::TokenErrorKind;

    const TRANSIENT: Class = Class::Transient { after: None };

    #[derive(Debug)]
    struct Wrap<E>(E);

    impl<E> fmt::Display for Wrap<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl<E: Error + 'static> Error for Wrap<E> {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn token_error_is_final_however_deep_and_whatever_its_source() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let token = || TokenError::new(TokenErrorKind::Transport, "no").with_source(refused());
        assert_eq!(classify(&token()), Class::Final);
        assert_eq!(classify(&Wrap(token())), Class::Final);
        assert_eq!(classify(&io::Error::other(Wrap(token()))), Class::Final);
        assert_eq!(
            classify(&io::Error::other(io::Error::other(token()))),
            Class::Final
        );
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, token());
        assert_eq!(classify(&refused), Class::Final);
    }

    #[test]
    fn refused_connection_is_not_sent_other_io_errors_are_transient() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(classify(&refused()), Class::NotSent);
        assert_eq!(classify(&io::Error::other(Wrap(refused()))), Class::NotSent);
        for kind in [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::TimedOut,
        ] {
            assert_eq!(classify(&Wrap(io::Error::from(kind))), TRANSIENT);
        }
    }

    #[test]
    fn unknown_error_is_transient() {
        assert_eq!(classify(&fmt::Error), TRANSIENT);
    }

    #[test]
    fn a_stale_connection_is_one_unless_more_is_known() {
        let stale = |error: io::Error| Wrap(StaleConnection::new(error));
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(classify(&stale(broken)), Class::StaleConnection);
        let refused = io::Error::other(Refused::new(fmt::Error));
        assert_eq!(classify(&stale(refused)), Class::Final);
    }

    #[test]
    fn a_refusal_is_final_whatever_its_reason() {
        let refused = Refused::new(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(classify(&Wrap(refused)), Class::Final);
    }
}
