use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};

use crate::replay::LazyUri;

/// The request that a [`Classify`](super::Classify) is asked about: its method,
/// URI and extensions.
///
/// An example is at [`Classify`](super::Classify).
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    pub(in crate::retry) method: &'a Method,
    pub(in crate::retry) uri: LazyUri<'a>,
    pub(in crate::retry) extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    /// The head of this request, for tests of a classifier and for classifiers
    /// that ask another.
    pub fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: LazyUri::Whole(request.uri()),
            extensions: request.extensions(),
        }
    }

    /// The request's method.
    pub const fn method(&self) -> &'a Method {
        self.method
    }

    /// The request's URI, as it was sent.
    pub fn uri(&self) -> &'a Uri {
        self.uri.get()
    }

    /// The request's extensions: what the caller and the layers outside of
    /// [`Retry`](crate::retry) put there.
    pub const fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

/// The answer that a [`Classify`](super::Classify) is asked about: all of it
/// except the body.
///
/// An example is at [`Classify`](super::Classify).
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    /// The head of this response.
    pub fn of<R>(response: &'a Response<R>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }

    /// The response's status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The response's headers.
    pub const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The response's extensions: what the client and the layers inside of
    /// [`Retry`](crate::retry) put there.
    pub const fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}
