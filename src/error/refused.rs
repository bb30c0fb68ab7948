use std::{error::Error, fmt};

use crate::{BoxError, error::find};

/// A request was refused on this side, before anything of it was sent, and would be refused again.
///
/// [`Retry`](crate::retry) never sends again after it, for whatever method. A middleware of yours
/// that refuses requests can wrap its error into this one. It stands for the error inside: it shows
/// that one's text, and its source is that one's source, so that nothing is in the chain twice.
/// [`get_ref`](Self::get_ref) has the error itself, and so have `find` of it and its kin.
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
    /// Refused for this reason.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self {
            error: error.into(),
        }
    }

    /// The reason.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The first of its kind in a chain of errors.
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
