use std::iter;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use super::CloneBody;

/// All that a request is made of, extensions included, to make it once more.
///
/// It lives in a box, so that futures that keep one are small and cheap to move; almost none is
/// ever made a request again. The headers are in a list, which is one allocation less than a map:
/// so the box is for free. The service to send it with is in there too: that is larger still.
pub(crate) struct RequestCopy<B, S> {
    method: Method,
    uri: Uri,
    version: Version,
    headers: Vec<(HeaderValue, HeaderName)>,
    extensions: Extensions,
    body: B,
    service: S,
}

impl<B: CloneBody, S: Clone> RequestCopy<B, S> {
    /// A copy with the newer of the two bodies, and with a clone of this service. The request is
    /// marked as held.
    ///
    /// No copy, and no mark, when the body cannot be had again.
    pub(crate) fn keep(request: &mut Request<B>, service: &S) -> Option<Box<Self>> {
        let body = request.body().try_clone()?;
        request.body_mut().hold();
        Some(Box::new(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: list(request.headers()),
            extensions: request.extensions().clone(),
            body,
            service: service.clone(),
        }))
    }
}

impl<B, S> RequestCopy<B, S> {
    /// Of a request that is not sent yet, all of it.
    pub(crate) fn unsent(request: Request<B>, service: S) -> Box<Self> {
        let (parts, body) = request.into_parts();
        Box::new(Self {
            method: parts.method,
            uri: parts.uri,
            version: parts.version,
            headers: list(&parts.headers),
            extensions: parts.extensions,
            body,
            service,
        })
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    pub(crate) fn body(&self) -> &B {
        &self.body
    }

    pub(crate) const fn service(&mut self) -> &mut S {
        &mut self.service
    }

    pub(crate) fn into_parts(self) -> (Request<B>, S) {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        // One more, for what is set anew at each send, such as `Authorization`. What a map cannot
        // make room for at once still fits in: names that come more than once share a place.
        let _ = request.headers_mut().try_reserve(self.headers.len() + 1);
        for (value, name) in self.headers {
            request.headers_mut().append(name, value);
        }
        (request, self.service)
    }
}

/// Values of one name stay in their order, and the names in theirs.
///
/// The value first, and by an iterator that knows its length: so each header is made in its place.
/// One that is made elsewhere and then moved costs twice as much, which shows in each request.
fn list(headers: &HeaderMap) -> Vec<(HeaderValue, HeaderName)> {
    let mut each = headers.iter();
    iter::repeat_with(|| each.next())
        .take(headers.len())
        .map(|header| match header {
            Some((name, value)) => (value.clone(), name.clone()),
            None => unreachable!("there are as many headers as there are said to be"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
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
            // As hyper's `OnUpgrade` and a caller's own: whatever is there is cloned.
            .extension(7_u32)
            .body(body)
            .unwrap();
        let copy = RequestCopy::keep(&mut request, &()).unwrap();
        assert_eq!((copy.method(), copy.uri()), (&Method::PUT, request.uri()));
        let copy = RequestCopy::unsent(copy.into_parts().0, ()).into_parts().0;
        assert_eq!(copy.method(), Method::PUT);
        assert_eq!(copy.uri(), request.uri());
        assert_eq!(copy.version(), Version::HTTP_2);
        let [copied, sent] = [&copy, &request].map(|it| it.headers().iter().collect::<Vec<_>>());
        assert_eq!(copied, sent);
        assert!(copy.headers()["authorization"].is_sensitive());
        assert_eq!(copy.extensions().get(), Some(&7_u32));
        assert!(copy.body().is_replayable());
        assert!(request.body().is_held() && !copy.body().is_held());
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
