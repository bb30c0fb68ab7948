use http::Request;

use super::CloneBody;

/// A copy of the whole request, extensions included, with the newer of the two bodies.
///
/// `None` when the body cannot be had again.
pub(crate) fn clone_request<B: CloneBody>(request: &Request<B>) -> Option<Request<B>> {
    let mut copy = Request::new(request.body().try_clone()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Method, Version};
    use http_body_util::Full;

    use super::*;
    use crate::ReplayBody;

    #[test]
    fn a_copy_has_all_that_the_request_has() {
        let body = ReplayBody::new(Full::new(Bytes::from_static(b"body")));
        let request = Request::put("https://api.example/v2?page=2")
            .version(Version::HTTP_2)
            .header("trace", "1")
            .header("trace", "2")
            // As hyper's `OnUpgrade` and a caller's own: whatever is there is cloned.
            .extension(7_u32)
            .body(body)
            .unwrap();
        let copy = clone_request(&request).unwrap();
        assert_eq!(copy.method(), Method::PUT);
        assert_eq!(copy.uri(), request.uri());
        assert_eq!(copy.version(), Version::HTTP_2);
        assert_eq!(copy.headers(), request.headers());
        assert_eq!(copy.extensions().get(), Some(&7_u32));
        assert!(copy.body().is_replayable());
    }
}
