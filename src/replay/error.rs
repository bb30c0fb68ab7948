use std::{error::Error, fmt};

use crate::{BoxError, error::find};

/// Why a [`ReplayBody`](super::ReplayBody) ended before all of it was handed over.
///
/// A client wraps it in an error of its own; [`find`](Self::find) gets it back out.
#[derive(Debug)]
pub struct ReplayBodyError {
    kind: ReplayBodyErrorKind,
    source: Option<BoxError>,
}

/// What kind of failure a [`ReplayBodyError`] is, for code that decides what to do.
///
/// What leads to them is in the [module docs](super#errors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayBodyErrorKind {
    /// The caller's own body failed; its error is the [`source`](Error::source). The request is
    /// not sent again, since nobody knows what the rest of the body would have been.
    Body,
    /// A newer clone is sent in place of this one. It is no failure of the request: only the
    /// connection that was in the middle of the older attempt sees it.
    Revoked,
    /// What this body would have to send was not kept.
    Gone,
    /// The function given to [`Remake`](super::Remake) or
    /// [`ReplayBody::from_fn`](super::ReplayBody::from_fn) has made a body of another length than
    /// that of the first send.
    Changed,
}

impl ReplayBodyError {
    pub(super) const fn new(kind: ReplayBodyErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) const fn body(source: BoxError) -> Self {
        Self {
            kind: ReplayBodyErrorKind::Body,
            source: Some(source),
        }
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> ReplayBodyErrorKind {
        self.kind
    }

    /// The `ReplayBodyError` in a chain of errors, however deep a client has wrapped it.
    ///
    /// ```
    /// use std::io;
    /// use bytes::Bytes;
    /// use futures_util::stream;
    /// use http_body::Frame;
    /// use http_body_util::{BodyExt, StreamBody};
    /// use tower_genesys::{ReplayBody, replay::{ReplayBodyError, ReplayBodyErrorKind}};
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let broken = Err::<Frame<Bytes>, _>(io::Error::other("the disk is gone"));
    /// let body = ReplayBody::new(StreamBody::new(stream::iter([broken])));
    /// let error = body.collect().await.map(drop).expect_err("the caller's body fails");
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
        f.write_str(match self.kind {
            ReplayBodyErrorKind::Body => {
                "the caller's request body failed, and is not sent again: make a new request"
            }
            ReplayBodyErrorKind::Revoked => {
                "a newer copy of the request body is sent instead: nothing is to be done"
            }
            ReplayBodyErrorKind::Gone => {
                "the request body was sent once and not kept: give the request a \
                 `replay::Remake`, or raise the caps of `ReplayLayer`"
            }
            ReplayBodyErrorKind::Changed => {
                "the function that makes the request body anew made one of another length than \
                 before: give the same bytes each time, or make a new request"
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
