//! The error of an exchange that broke off.

use std::{error::Error, fmt, io};

use crate::BoxError;

/// An exchange with the mock that broke off without a whole response.
///
/// Its [`source`](Error::source) is the error that a real transport would
/// return: an [`io::Error`] of the kind `ConnectionReset` or `UnexpectedEof`,
/// or the error of the request body.
///
/// ```
/// use http::Request;
/// use http_body_util::Empty;
/// use tower::ServiceExt;
/// use tower_genesys::testing::{ANY_API, MockErrorKind, MockGenesys};
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// mock.on(ANY_API).reset();
/// let request = Request::get(mock.region().api("/api/v2/users")?);
/// let request = request.body(Empty::<bytes::Bytes>::new())?;
/// let error = mock.service().oneshot(request).await.unwrap_err();
/// assert_eq!(error.kind(), MockErrorKind::Reset);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct MockError {
    /// How it broke off.
    kind: MockErrorKind,
    /// The error that a real transport would return.
    source: BoxError,
}

/// The way in which an exchange broke off, from [`MockError::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MockErrorKind {
    /// [`reset`](super::Script::reset) cut the connection before the response.
    Reset,
    /// [`truncated_body`](super::Script::truncated_body) cut the connection
    /// within the response.
    Truncated,
    /// The request body ended in an error.
    RequestBody,
}

impl MockError {
    pub(super) fn reset() -> Self {
        let source = io::Error::from(io::ErrorKind::ConnectionReset);
        Self {
            kind: MockErrorKind::Reset,
            source: source.into(),
        }
    }

    pub(super) fn truncated() -> Self {
        let source = io::Error::from(io::ErrorKind::UnexpectedEof);
        Self {
            kind: MockErrorKind::Truncated,
            source: source.into(),
        }
    }

    pub(super) fn request_body(source: BoxError) -> Self {
        Self {
            kind: MockErrorKind::RequestBody,
            source,
        }
    }

    /// Returns how the exchange broke off.
    pub fn kind(&self) -> MockErrorKind {
        self.kind
    }
}

impl fmt::Debug for MockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockError")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for MockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            MockErrorKind::Reset => {
                "the mock cut the connection before the response, as a script says"
            }
            MockErrorKind::Truncated => {
                "the mock cut the connection within the response, as a script says"
            }
            MockErrorKind::RequestBody => "the request body ended in an error",
        })
    }
}

impl Error for MockError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
