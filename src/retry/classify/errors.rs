use std::error::Error;

use http::StatusCode;

use super::{
    Class, Classify, RequestHead, ResponseHead, TRANSIENT_STATUSES, chain, classify_response,
};
use crate::BoxError;

/// The [`Classify`] for services whose error is one type:
/// `hyper_util::client::legacy::Error`, `reqwest::Error`,
/// `tonic::transport::Error`.
///
/// It reads errors as [`BoxErrorClassifier`] does.
///
/// # Default
///
/// [`TRANSIENT_STATUSES`].
#[derive(Clone, Copy, Debug)]
pub struct ErrorClassifier {
    transient: &'static [StatusCode],
}

/// The [`Classify`] for services whose error is a box, as it is above
/// [`BearerLayer`](crate::bearer) and above most of tower's layers.
///
/// 429 is [`Throttled`](Class::Throttled), the statuses of a list are
/// [`Transient`](Class::Transient), every other response is final. Of an error,
/// the causes are searched from the outermost inwards (`source()`, and what an
/// `io::Error` was made of); the first that is known decides:
///
/// | cause | class |
/// |---|---|
/// | [`TokenError`](crate::TokenError) | final: the token cache has its own retry policy |
/// | [`ReplayBodyError`](crate::replay::ReplayBodyError): the request's body failed | final |
/// | [`Refused`](crate::call::Refused): not sent, as to a foreign origin | final |
/// | no connection was made (hyper-util `is_connect`, `ConnectionRefused`) | not sent |
/// | hyper took the request back (`is_canceled`), or the connection was closed before | unprocessed |
/// | HTTP/2: `REFUSED_STREAM`, or above the last stream of the server's `GOAWAY` | unprocessed |
/// | [`Client`](crate::client): a connection broke that had served earlier requests | stale connection |
/// | the task of the connection ended, by a panic or with its runtime (hyper) | transient |
/// | the request was wrong, or its body failed (hyper `is_user`) | final |
/// | reqwest cannot build the request, or runs in a circle of redirects | final |
/// | an error of reqwest without a URL: of the hop of a redirect, perhaps | transient |
/// | any other error of hyper or h2: broken off, reset, not understood | transient |
/// | [`BodyBroken`](crate::collect::BodyBroken): the body of a response broke off | transient |
/// | tower's `Elapsed` (feature `tower`), all other errors | transient |
///
/// An unknown error is transient, because after a transient failure `Retry`
/// resends only repeatable requests, a few times and within the budget.
///
/// The rows about hyper, hyper-util and h2 need the feature `hyper`, those
/// about reqwest `reqwest-013`.
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
            /// The default, see [above](Self#default).
            pub const fn new() -> Self {
                Self {
                    transient: TRANSIENT_STATUSES,
                }
            }

            /// Takes these statuses for transient, instead of
            /// [`TRANSIENT_STATUSES`]. 429 need not be among them.
            #[must_use]
            pub const fn with_statuses(mut self, transient: &'static [StatusCode]) -> Self {
                self.transient = transient;
                self
            }

            /// What this error means, whatever the request.
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
