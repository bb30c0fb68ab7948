//! The views of requests and responses that a classifier gets.

use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};

use crate::replay::LazyUri;

/// The method, the URI and the extensions of a request, for a
/// [`Classify`](super::Classify), which has an example.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    pub(in crate::retry) method: &'a Method,
    pub(in crate::retry) uri: LazyUri<'a>,
    pub(in crate::retry) extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    /// Creates the head of this request, for tests of a classifier and for
    /// classifiers that ask another one.
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: LazyUri::Whole(request.uri()),
            extensions: request.extensions(),
        }
    }

    /// Returns the method.
    pub const fn method(&self) -> &'a Method {
        self.method
    }

    /// Returns the URI, as it was sent.
    pub fn uri(&self) -> &'a Uri {
        self.uri.get()
    }

    /// Returns the extensions that the caller and the layers outside of
    /// [`Retry`](crate::retry) have set.
    pub const fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

/// The status, the headers and the extensions of a response, for a
/// [`Classify`](super::Classify), which has an example.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    /// Creates the head of this response.
    pub fn of<R>(response: &'a Response<R>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }

    /// Returns the status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    pub const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the extensions that the client and the layers inside of
    /// [`Retry`](crate::retry) have set.
    pub const fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}
