//! The copy of a request from which a resend is made.

use std::fmt;

use http::{Extensions, HeaderMap, Method, Request, Uri, Version};

use super::CloneBody;

mod head;

use head::FlatHead;

/// A copy of a request with its extensions, and the service to send it through.
///
/// It lives in a box with the service, so that a future that keeps one is small
/// and cheap to move. Few copies are ever sent.
pub(crate) struct RequestCopy<B, S> {
    method: Method,
    version: Version,
    head: Head,
    extensions: Extensions,
    body: B,
    service: S,
}

/// The URI and the headers of a request.
enum Head {
    /// Of a request that was sent.
    Copied(FlatHead),
    /// Of a request that was not sent yet. It is moved rather than copied.
    Whole(Box<(Uri, HeaderMap)>),
}

impl<B: CloneBody, S: Clone> RequestCopy<B, S> {
    /// Copies a request that is about to be sent, and marks it with
    /// [`CloneBody::mark_kept`]. The copy has the newer body, and a clone of
    /// the service.
    ///
    /// Returns `None` and sets no mark if the body cannot be cloned.
    pub(crate) fn keep(request: &mut Request<B>, service: &S) -> Option<Box<Self>> {
        let body = request.body().try_clone()?;
        request.body_mut().mark_kept();
        Some(Box::new(Self {
            method: request.method().clone(),
            version: request.version(),
            head: Head::Copied(FlatHead::of(request)),
            extensions: request.extensions().clone(),
            body,
            service: service.clone(),
        }))
    }
}

impl<B: CloneBody, S> RequestCopy<B, S> {
    /// Invalidates the older body, so that this copy can be sent. Returns
    /// false, and invalidates nothing, if the copy cannot be sent.
    pub(crate) fn claim(&self) -> bool {
        // The head is checked first: once the older body is invalidated, its
        // attempt cannot continue.
        let readable = match &self.head {
            Head::Copied(head) => head.is_readable(),
            Head::Whole(_) => true,
        };
        readable && self.body.revoke_others()
    }
}

impl<B, S> RequestCopy<B, S> {
    /// Keeps a whole request that waits for its first send.
    pub(crate) fn unsent(request: Request<B>, service: S) -> Box<Self> {
        let (parts, body) = request.into_parts();
        Box::new(Self {
            method: parts.method,
            version: parts.version,
            head: Head::Whole(Box::new((parts.uri, parts.headers))),
            extensions: parts.extensions,
            body,
            service,
        })
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn uri(&self) -> LazyUri<'_> {
        match &self.head {
            Head::Copied(head) => LazyUri::Copied(head),
            Head::Whole(head) => LazyUri::Whole(&head.0),
        }
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    pub(crate) fn body(&self) -> &B {
        &self.body
    }

    /// Returns the service of [`into_parts`](Self::into_parts), to make it
    /// ready.
    pub(crate) const fn service(&mut self) -> &mut S {
        &mut self.service
    }

    /// Returns the request, and the service to send it through.
    ///
    /// Call [`claim`](Self::claim) first if the request was sent before.
    pub(crate) fn into_parts(self) -> (Request<B>, S) {
        let (uri, headers) = match self.head {
            Head::Copied(head) => head.into_parts(),
            Head::Whole(head) => *head,
        };
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        *request.extensions_mut() = self.extensions;
        (request, self.service)
    }
}

/// The URI of a request, parsed at the first [`get`](Self::get).
#[derive(Clone, Copy)]
pub(crate) enum LazyUri<'a> {
    Whole(&'a Uri),
    Copied(&'a FlatHead),
}

impl<'a> LazyUri<'a> {
    pub(crate) fn get(self) -> &'a Uri {
        match self {
            Self::Whole(uri) => uri,
            Self::Copied(head) => head.uri(),
        }
    }
}

impl fmt::Debug for LazyUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue};
    use http_body_util::Full;

    use super::*;
    use crate::ReplayBody;

    #[test]
    fn a_copy_has_all_that_the_request_has() {
        let body = ReplayBody::new(Full::new(Bytes::from_static(b"body")));
        let mut sensitive = HeaderValue::from_static("secret");
        sensitive.set_sensitive(true);
        let mut request = Request::put("https://api.example/v2?page=2")
            .version(Version::HTTP_2)
            .header("trace", "1")
            .header("accept", "*/*")
            .header("trace", "2")
            .header("authorization", sensitive)
            // Stands for any extension, such as hyper's `OnUpgrade`.
            .extension(7_u32)
            .body(body)
            .unwrap();
        let copy = RequestCopy::keep(&mut request, &()).unwrap();
        assert_eq!(
            (copy.method(), copy.uri().get()),
            (&Method::PUT, request.uri())
        );
        let copy = RequestCopy::unsent(copy.into_parts().0, ()).into_parts().0;
        assert_eq!(copy.method(), Method::PUT);
        assert_eq!(copy.uri(), request.uri());
        assert_eq!(copy.version(), Version::HTTP_2);
        let [copied, sent] = [&copy, &request].map(|it| it.headers().iter().collect::<Vec<_>>());
        assert_eq!(copied, sent);
        assert!(copy.headers()["authorization"].is_sensitive());
        assert_eq!(copy.extensions().get(), Some(&7_u32));
        assert!(copy.body().is_replayable());
        assert!(request.body().is_kept() && !copy.body().is_kept());
    }

    #[test]
    fn a_copy_that_cannot_be_made_a_request_is_not_claimed() {
        let body = ReplayBody::new(Full::new(Bytes::from_static(b"body")));
        let mut request = Request::new(body);
        let mut copy = RequestCopy::keep(&mut request, &()).unwrap();
        assert!(copy.claim());
        copy.head = Head::Copied(FlatHead::damaged());
        assert!(copy.body().is_replayable() && !copy.claim());
    }

    #[test]
    fn as_many_headers_as_a_map_can_hold_are_copied() {
        let number = |n: u32| HeaderValue::from(n);
        let full = || {
            let mut headers = HeaderMap::new();
            let mut n = 0;
            while headers.keys_len() < 24_576 {
                let name = HeaderName::try_from(format!("x-{n}")).unwrap();
                headers.append(name, number(n));
                n += 1;
            }
            headers
        };
        let name = HeaderName::from_static("trace");
        let repeated = (0..40_000).map(|n| (name.clone(), number(n))).collect();
        for headers in [full(), repeated] {
            let mut request = Request::new(ReplayBody::<Full<Bytes>>::empty());
            *request.headers_mut() = headers;
            let copy = RequestCopy::keep(&mut request, &()).unwrap().into_parts().0;
            let [copied, sent] = [&copy, &request].map(|it| it.headers().iter());
            assert!(copied.eq(sent));
        }
    }
}
