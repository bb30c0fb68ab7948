//! The built-in classifiers.

use std::error::Error;

use http::StatusCode;

use super::{
    Class, Classify, RequestHead, ResponseHead, TRANSIENT_STATUSES, chain, classify_response,
};
use crate::BoxError;

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
                chain::classify(error)
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
        chain::classify(error)
    }
}

impl Classify<BoxError> for BoxErrorClassifier {
    fn response(&self, _: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        classify_response(self.transient, response)
    }

    fn error(&self, _: RequestHead<'_>, error: &BoxError) -> Class {
        chain::classify(&**error)
    }
}
