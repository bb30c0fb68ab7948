use std::task::{Context, Poll};

use http::{HeaderMap, Request, header::CONTENT_LENGTH};
use http_body::Body;
use tower_service::Service;

use super::{Remake, ReplayBody, body::Caps};
use crate::BoxError;

/// A service that wraps request bodies so that they can be sent more than once;
/// see the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Replay<S> {
    inner: S,
    caps: Caps,
}

impl<S> Replay<S> {
    /// Wraps a service, with the default caps of
    /// [`ReplayLayer`](crate::ReplayLayer). Use the layer for other caps.
    ///
    /// ```
    /// use tower_genesys::replay::Replay;
    ///
    /// let mut replay = Replay::new("the client");
    /// *replay.get_mut() = "another client";
    /// assert_eq!(replay.get_ref(), &"another client");
    /// assert_eq!(replay.into_inner(), "another client");
    /// ```
    pub fn new(inner: S) -> Self {
        Self::with_caps(inner, Caps::DEFAULT)
    }

    pub(super) const fn with_caps(inner: S, caps: Caps) -> Self {
        Self { inner, caps }
    }

    /// Returns a reference to the inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
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
            // A function that remakes the body takes precedence: with it,
            // nothing is kept, whatever the size of the body.
            Some(remake) => ReplayBody::remade(body, remake),
            None => ReplayBody::wrap(body, || announced(&head.headers), self.caps),
        };
        self.inner.call(Request::from_parts(head, body))
    }
}

/// Returns the `content-length` of a request, for bodies that do not know their
/// own length: a multipart form, or a stream with a header set by hand.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next()?.to_str().ok()?;
    // With two values, it is unknown which one the transport uses. The digits
    // are checked because `parse` would accept a sign.
    let one_number = lengths.next().is_none() && length.bytes().all(|byte| byte.is_ascii_digit());
    length.parse().ok().filter(|_| one_number)
}
