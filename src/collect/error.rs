use std::{error::Error, fmt};

use http::response::Parts;

use crate::{BoxError, error::find};

/// A response whose body broke off while it was collected.
///
/// The built-in classifiers of [`retry`](crate::retry) take it for transient. If the request is not
/// sent again, this is what the caller gets; [`head`](Self::head) says what the service answered.
///
/// ```
/// use tower_genesys::collect::BodyBroken;
///
/// fn explain(error: &(dyn std::error::Error + 'static)) -> Option<String> {
///     let broken = BodyBroken::find(error)?;
///     let (status, received) = (broken.head().status, broken.received());
///     Some(format!("{status}, and {received} bytes of the body"))
/// }
/// ```
pub struct BodyBroken {
    head: Box<Parts>,
    received: u64,
    source: BoxError,
}

impl BodyBroken {
    pub(super) fn new(head: Parts, received: u64, source: BoxError) -> Self {
        Self {
            head: Box::new(head),
            received,
            source,
        }
    }

    /// The head of the response.
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// How many bytes of the body had arrived.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The first of its kind in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Display for BodyBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the connection broke in the middle of a response ({}), after {} bytes of its body; the \
             request was executed",
            self.head.status, self.received
        )
    }
}

/// Without the headers, which may hold cookies.
impl fmt::Debug for BodyBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyBroken")
            .field("status", &self.head.status)
            .field("received", &self.received)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Error for BodyBroken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
