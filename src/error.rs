//! Boxed errors, the search in their chains, and the two wrappers that mark an
//! error and show its text.

use std::{error::Error, fmt, io, iter::successors, sync::Arc};

/// An error of any type, as tower's middleware returns it.
///
/// [`TokenError::find`](crate::TokenError::find) and the `find` functions of
/// other error types find this crate's errors in it.
pub type BoxError = Box<dyn Error + Send + Sync>;

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
/// let refused = Refused::new("page size 500 is more than the API gives");
/// let error: BoxError = refused.into();
/// let refused = Refused::find(&*error).expect("it is in there");
/// assert_eq!(refused.to_string(), "page size 500 is more than the API gives");
/// ```
#[derive(Debug)]
pub struct Refused {
    error: BoxError,
}

/// The error of a connection that had served earlier requests.
///
/// It displays the inner error, as [`Refused`](crate::call::Refused) does. The
/// classifiers treat it as one of a connection that the server closed while
/// idle.
#[derive(Debug)]
pub(crate) struct StaleConnection {
    error: BoxError,
}

/// The longest chain that is followed: an error that returns itself as its
/// source would never end.
const LONGEST_CHAIN: usize = 64;

/// Returns an error and its causes, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| cause(*error)).take(LONGEST_CHAIN)
}

/// Finds the first error of type `E` in the chain.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// Returns the next error of a chain: the inner error of a wrapper, otherwise
/// the source.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // These wrappers display their inner error and return its source, so the
    // inner error is not in the chain itself.
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return Some(refused.get_ref());
    }
    if let Some(stale) = error.downcast_ref::<StaleConnection>() {
        return Some(stale.get_ref());
    }
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return Some(&**shared);
    }
    // An I/O error returns the source of its inner error, so the inner error
    // would be skipped.
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
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

impl StaleConnection {
    /// Only the client creates it, because it knows its connections.
    #[cfg(any(feature = "client", test))]
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self {
            error: error.into(),
        }
    }

    /// Returns the inner error.
    fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
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

impl fmt::Display for StaleConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for StaleConnection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_refused_error_that_is_not_a_source() {
        let error = io::Error::other(Refused::new(io::Error::other(fmt::Error)));
        assert_eq!(causes(&error).count(), 4);
        assert!(find::<fmt::Error>(&error).is_some() && find::<Refused>(&error).is_some());
    }

    #[test]
    fn finds_an_error_in_several_wrappers() {
        let error = io::Error::other(io::Error::other(fmt::Error));
        assert_eq!(causes(&error).count(), 3);
        assert!(find::<fmt::Error>(&error).is_some());
        assert!(find::<fmt::Error>(&io::Error::from(io::ErrorKind::TimedOut)).is_none());
    }

    #[test]
    fn finds_an_error_that_callers_share() {
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(Refused::new(fmt::Error));
        assert!(find::<fmt::Error>(&shared).is_some() && find::<Refused>(&shared).is_some());
    }

    #[test]
    fn a_chain_without_end_ends() {
        #[derive(Debug)]
        struct Ring;

        impl fmt::Display for Ring {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("ring")
            }
        }

        impl Error for Ring {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }

        assert_eq!(causes(&Ring).count(), LONGEST_CHAIN);
    }
}
