use std::mem;

use http::{Extensions, Method, Request, Uri};

use crate::{
    replay::{CloneBody, LazyUri, RequestCopy},
    retry::RequestHead,
};

/// The part of a request that the call keeps while the request is in flight or
/// waits.
pub(super) enum Target<S, B> {
    /// All of it, to be sent again, and an unready clone of the service to do
    /// it with.
    Kept(Box<RequestCopy<B, S>>),
    /// What the decisions need of it: which endpoint throttles, and what this
    /// request asks for.
    Sent(Box<Sent>),
}

#[derive(Default)]
pub(super) struct Sent {
    method: Method,
    uri: Uri,
    extensions: Extensions,
}

/// Why a request that waits for its next send is kept: a claim has found it, or
/// it was put there before its first send, and nothing but the send takes it.
const CLAIMED: &str = "a request that waits to be sent is kept";

impl<S: Clone, B: CloneBody> Target<S, B> {
    /// Of a request that is about to be sent.
    #[inline]
    pub(super) fn keep(request: &mut Request<B>, service: &S) -> Self {
        match RequestCopy::keep(request, service) {
            Some(copy) => Self::Kept(copy),
            None => Self::sent(request),
        }
    }

    pub(super) fn sent(request: &Request<B>) -> Self {
        Self::Sent(Box::new(Sent {
            method: request.method().clone(),
            uri: request.uri().clone(),
            extensions: request.extensions().clone(),
        }))
    }

    /// Of a request that waits for its first send, with the service for it.
    pub(super) fn unsent(request: Request<B>, service: S) -> Self {
        Self::Kept(RequestCopy::unsent(request, service))
    }

    /// Takes the request to send it, with the service for it.
    pub(super) fn take(&mut self) -> (Request<B>, S) {
        match mem::replace(self, Self::Sent(Box::default())) {
            Self::Kept(copy) => copy.into_parts(),
            Self::Sent(_) => unreachable!("{CLAIMED}"),
        }
    }

    /// The service that will send the kept request.
    pub(super) fn service(&mut self) -> &mut S {
        match self {
            Self::Kept(copy) => copy.service(),
            Self::Sent(_) => unreachable!("{CLAIMED}"),
        }
    }

    pub(super) fn head(&self) -> RequestHead<'_> {
        match self {
            Self::Kept(copy) => RequestHead {
                method: copy.method(),
                uri: copy.uri(),
                extensions: copy.extensions(),
            },
            Self::Sent(sent) => RequestHead {
                method: &sent.method,
                uri: LazyUri::Whole(&sent.uri),
                extensions: &sent.extensions,
            },
        }
    }

    /// Whether the connection has all of the request.
    pub(super) fn is_sent(&self) -> bool {
        match self {
            Self::Kept(copy) => copy.body().is_sent(),
            Self::Sent(_) => false,
        }
    }

    pub(super) fn is_replayable(&self) -> bool {
        match self {
            Self::Kept(copy) => copy.body().is_replayable(),
            Self::Sent(_) => false,
        }
    }

    /// Revokes the older body, so that the copy can be sent; false when that is
    /// gone.
    pub(super) fn claim(&self) -> bool {
        match self {
            Self::Kept(copy) => copy.claim(),
            Self::Sent(_) => false,
        }
    }
}
