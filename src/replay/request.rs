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
