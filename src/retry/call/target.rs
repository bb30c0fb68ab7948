//! The request of a call, between and during its sends.

use std::mem;

use http::{Extensions, Method, Request, Uri};

use crate::{
    replay::{CloneBody, LazyUri, RequestCopy},
    retry::RequestHead,
};

/// The part of a request that the call keeps while the request is in flight or
/// waits.
pub(super) enum Target<S, B> {
    /// All of it, and an unready clone of the service to send it through.
    Kept(Box<RequestCopy<B, S>>),
    /// The parts that decisions and reports need. The request cannot be resent.
    Sent(Box<Sent>),
}

/// The head of a request that was not copied.
#[derive(Default)]
pub(super) struct Sent {
    method: Method,
    uri: Uri,
    extensions: Extensions,
}

/// The invariant of a call that waits for a send: a claim has succeeded, or the
/// request was kept before its first send, and only the send takes it.
const CLAIMED: &str = "a request that waits to be sent is kept";

impl<S: Clone, B: CloneBody> Target<S, B> {
    /// Copies a request that is about to be sent, if its body can be cloned.
    #[inline]
    pub(super) fn keep(request: &mut Request<B>, service: &S) -> Self {
        match RequestCopy::keep(request, service) {
            Some(copy) => Self::Kept(copy),
            None => Self::sent(request),
        }
    }

    /// Keeps only the head of a request.
    pub(super) fn sent(request: &Request<B>) -> Self {
        Self::Sent(Box::new(Sent {
            method: request.method().clone(),
            uri: request.uri().clone(),
            extensions: request.extensions().clone(),
        }))
    }

    /// Keeps a request that waits for its first send, and its service.
    pub(super) fn unsent(request: Request<B>, service: S) -> Self {
        Self::Kept(RequestCopy::unsent(request, service))
    }

    /// Takes the request and its service, to send it.
    pub(super) fn take(&mut self) -> (Request<B>, S) {
        match mem::replace(self, Self::Sent(Box::default())) {
            Self::Kept(copy) => copy.into_parts(),
            Self::Sent(_) => unreachable!("{CLAIMED}"),
        }
    }

    /// Returns the service that will send the kept request.
    pub(super) fn service(&mut self) -> &mut S {
        match self {
            Self::Kept(copy) => copy.service(),
            Self::Sent(_) => unreachable!("{CLAIMED}"),
        }
    }

    /// Returns the head, for classifiers, predicates and the throttle.
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

    /// Whether the request is fully sent. Unknown without a copy, so false.
    pub(super) fn is_sent(&self) -> bool {
        match self {
            Self::Kept(copy) => copy.body().is_sent(),
            Self::Sent(_) => false,
        }
    }

    /// Whether there is a copy that can be sent now.
    pub(super) fn is_replayable(&self) -> bool {
        match self {
            Self::Kept(copy) => copy.body().is_replayable(),
            Self::Sent(_) => false,
        }
    }

    /// Invalidates the older body, so that the copy can be sent. Returns false
    /// if the call has no copy that can be sent.
    pub(super) fn claim(&self) -> bool {
        match self {
            Self::Kept(copy) => copy.claim(),
            Self::Sent(_) => false,
        }
    }
}
