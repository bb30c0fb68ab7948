use std::{error::Error, fmt};

use crate::BoxError;

/// The error of a connection that had served earlier requests.
///
/// It displays the inner error, as [`Refused`](crate::call::Refused) does.
#[derive(Debug)]
pub(crate) struct StaleConnection {
    error: BoxError,
}

impl StaleConnection {
    /// Only the client creates it, because it knows its connections.
    #[cfg(any(feature = "client", test))]
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self {
            error: error.into(),
        }
    }

    pub(super) fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
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
