use std::{error::Error, fmt};

use crate::{BoxError, error::find};

/// The error of a [`ReplayBody`](super::ReplayBody) that ended before its last
/// frame.
///
/// A client wraps it in its own error. [`find`](Self::find) finds it there.
#[derive(Debug)]
pub struct ReplayBodyError {
    kind: ReplayBodyErrorKind,
    source: Option<BoxError>,
}

/// The kind of a [`ReplayBodyError`], for code that decides how to react.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayBodyErrorKind {
    /// The caller's body failed. Its error is the [`source`](Error::source).
    /// The request is not resent, because the rest of the body is unknown.
    Body,
    /// A newer clone is sent in place of this body. The request has not failed:
    /// only the connection that was still sending the older attempt sees this
    /// error.
    Revoked,
    /// The bytes that this body needs were not kept.
    Gone,
    /// The function given to [`Remake`](super::Remake) or
    /// [`ReplayBody::from_fn`](super::ReplayBody::from_fn) returned a body
    /// whose length differs from that of the first send.
    Changed,
}

impl ReplayBodyError {
    /// Creates an error without a cause, for every kind except
    /// [`Body`](ReplayBodyErrorKind::Body).
    pub(super) const fn new(kind: ReplayBodyErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Creates the error of a caller's body that failed with `source`.
    pub(super) const fn body(source: BoxError) -> Self {
        Self {
            kind: ReplayBodyErrorKind::Body,
            source: Some(source),
        }
    }

    /// Returns the kind of the failure.
    pub const fn kind(&self) -> ReplayBodyErrorKind {
        self.kind
    }

    /// Returns the `ReplayBodyError` in a chain of errors, however deep a
    /// client has wrapped it.
    ///
    /// ```
    /// use std::io;
    /// use bytes::Bytes;
    /// use futures_util::stream;
    /// use http_body::Frame;
    /// use http_body_util::{BodyExt, StreamBody};
    /// use tower_genesys::{
    ///     ReplayBody,
    ///     replay::{ReplayBodyError, ReplayBodyErrorKind},
    /// };
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let broken = io::Error::other("the disk is gone");
    /// let frames = [Err::<Frame<Bytes>, _>(broken)];
    /// let body = ReplayBody::new(StreamBody::new(stream::iter(frames)));
    /// let error = body.collect().await.expect_err("the caller's body fails");
    ///
    /// let wrapped = io::Error::other(error);
    /// let found = ReplayBodyError::find(&wrapped).expect("it is in there");
    /// assert_eq!(found.kind(), ReplayBodyErrorKind::Body);
    /// # }
    /// ```
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Display for ReplayBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each text ends with the next step. `Revoked` needs none: only the
        // connection of the older attempt sees that error.
        f.write_str(match self.kind {
            ReplayBodyErrorKind::Body => {
                "the caller's request body failed and cannot be resent: make a new request"
            }
            ReplayBodyErrorKind::Revoked => {
                "a newer copy of the request body is sent instead: no action is needed"
            }
            ReplayBodyErrorKind::Gone => {
                "the request body was sent once and not kept: give the request a \
                 `replay::Remake`, or raise the caps of `ReplayLayer`"
            }
            ReplayBodyErrorKind::Changed => {
                "the function that makes request bodies returned one of another length than \
                 before: return the same bytes each time, or make a new request"
            }
        })
    }
}

impl Error for ReplayBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
