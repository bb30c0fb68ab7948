use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_service::Service;

use super::{Remake, ReplayBody, caps::Caps};
use crate::BoxError;

/// Middleware that makes the bodies of requests such that they can be sent again; see the
/// [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Replay<S> {
    inner: S,
    caps: Caps,
}

impl<S> Replay<S> {
    pub(super) const fn new(inner: S, caps: Caps) -> Self {
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
        self.inner.call(request.map(|body| match remake {
            Some(remake) => ReplayBody::remade(body, remake),
            None => ReplayBody::wrap(body, self.caps),
        }))
    }
}
