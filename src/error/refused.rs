use std::{error::Error, fmt};

use crate::{BoxError, error::find};

/// The error of a request that the client side refused before it sent anything,
/// and would refuse again.
///
/// [`Retry`](crate::retry) never retries after it, whatever the method. A
/// custom middleware that refuses requests can wrap its error in this one. It
/// displays the text and returns the source of the inner error, so that nothing
/// appears twice in the chain. [`get_ref`](Self::get_ref) returns the inner
/// error, and the `find` functions of this crate's errors look into it.
///
/// ```
/// use tower_genesys::{BoxError, call::Refused};
///
/// let error: BoxError = Refused::new("page size 500 is more than the API gives").into();
/// let refused = Refused::find(&*error).expect("it is in there");
/// assert_eq!(refused.to_string(), "page size 500 is more than the API gives");
/// ```
#[derive(Debug)]
pub struct Refused {
    error: BoxError,
}

impl Refused {
    /// Wraps the reason.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self {
            error: error.into(),
        }
    }

    /// Returns the reason.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// Finds the first `Refused` in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
