use std::task::{Context, Poll};

use http::{HeaderMap, Request, header::CONTENT_LENGTH};
use http_body::Body;
use tower_service::Service;

use super::{Remake, ReplayBody, body::Caps};
use crate::BoxError;

/// Middleware that makes the bodies of requests such that they can be sent
/// again; see the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Replay<S> {
    inner: S,
    caps: Caps,
}

impl<S> Replay<S> {
    /// Keeps bodies up to the default caps of
    /// [`ReplayLayer`](crate::ReplayLayer), which has settings for them.
    pub fn new(inner: S) -> Self {
        Self::with_caps(inner, Caps::DEFAULT)
    }

    pub(super) const fn with_caps(inner: S, caps: Caps) -> Self {
        Self { inner, caps }
    }

    /// The service inside.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the service out.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for Replay<S>
where
    S: Service<Request<ReplayBody<B>>>,
    B: Body + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let remake = request.extensions_mut().remove::<Remake<B>>();
        let (head, body) = request.into_parts();
        let body = match remake {
            // A body that a function can make needs no copy, so this form goes
            // before every other.
            Some(remake) => ReplayBody::remade(body, remake),
            None => ReplayBody::wrap(body, || announced(&head.headers), self.caps),
        };
        self.inner.call(Request::from_parts(head, body))
    }
}

/// The length that the request itself announces, which its body may not know: a
/// form of several parts, a stream with a header set by hand.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next()?.to_str().ok()?;
    // With two values, it is unknown which one the transport uses. The parser
    // would accept a sign.
    let one_number = lengths.next().is_none() && length.bytes().all(|byte| byte.is_ascii_digit());
    length.parse().ok().filter(|_| one_number)
}
