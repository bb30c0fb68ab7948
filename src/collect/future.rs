//! The response future: which bodies are collected, and the result.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response, header::CONTENT_TYPE, response::Parts};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{CollectedBody, body::Progress, error::BodyBroken};
use crate::BoxError;

/// Media types of streams, which may never end. A gRPC client reads its streams
/// frame by frame, and finds the status in their trailers.
const STREAMS: &[&str] = &[
    "text/event-stream",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/stream+json",
    "multipart/x-mixed-replace",
    "application/grpc",
    "application/grpc+proto",
    "application/grpc-web",
];

pin_project! {
    /// The response future of [`Collect`](super::Collect).
    ///
    /// It completes when the body is collected, exceeds the cap or breaks off.
    /// Dropping it drops the response.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<F, R: Body> {
        cap: usize,
        #[pin]
        state: State<F, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, R: Body> {
        /// Waits for the head of the response.
        Sent {
            #[pin]
            response: F,
        },
        /// Reads the body, up to the cap.
        Collecting {
            // `None` once the future has completed.
            response: Option<Box<Response<CollectedBody<R>>>>,
            // The memory of the collected frames, in bytes.
            taken: usize,
        },
    }
}

/// The invariant of `Collecting`: the poll that takes the response completes
/// the future.
const COMPLETED: &str = "a response future was polled after it had completed";

impl<F, R: Body> ResponseFuture<F, R> {
    /// Waits for this response, to collect up to `cap` bytes of its body. With
    /// a cap of zero, the body is not collected.
    pub(super) const fn new(response: F, cap: usize) -> Self {
        Self {
            cap,
            state: State::Sent { response },
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
    R: Body,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<CollectedBody<R>>, BoxError>;

    #[allow(clippy::expect_used, reason = "its message says why it cannot fail")]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Sent { response } => {
                    let response = ready!(response.poll(cx)).map_err(Into::into)?;
                    let response = response.map(CollectedBody::new);
                    if !is_collected(&response, *this.cap) {
                        return Poll::Ready(Ok(response));
                    }
                    State::Collecting {
                        response: Some(Box::new(response)),
                        taken: 0,
                    }
                }
                StateProj::Collecting { response, taken } => {
                    let mut collecting = response.take().expect(COMPLETED);
                    let body = collecting.body_mut();
                    let Poll::Ready(progress) = body.poll_collect(cx, taken, *this.cap) else {
                        *response = Some(collecting);
                        return Poll::Pending;
                    };
                    // Over the cap, the collected frames precede the rest of
                    // the body, so the caller loses nothing. If the body broke
                    // off, the error carries the head.
                    return Poll::Ready(match progress {
                        Progress::Whole | Progress::OverCap => Ok(*collecting),
                        Progress::Broken(error) => Err(broken(*collecting, error.into())),
                    });
                }
            };
            this.state.set(next);
        }
    }
}

/// Creates the error of a body that broke off, from the part that arrived.
fn broken<R: Body>(response: Response<CollectedBody<R>>, error: BoxError) -> BoxError {
    let (head, body): (Parts, _) = response.into_parts();
    BodyBroken::new(head, body.buffered(), error).into()
}

/// Whether the body of this response is collected at all.
fn is_collected<R: Body>(response: &Response<CollectedBody<R>>, cap: usize) -> bool {
    cap > 0
        && response.status().is_success()
        && !is_stream(response.headers())
        && response.body().is_worth_collecting(cap)
}

/// Whether the media type is that of a stream. Its parameters do not count.
fn is_stream(headers: &HeaderMap) -> bool {
    let Some(media_type) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let essence = media_type.as_bytes().split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    STREAMS
        .iter()
        .any(|name| essence.eq_ignore_ascii_case(name.as_bytes()))
}

impl<F, R: Body> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Sent { .. } => "Sent",
            State::Collecting { .. } => "Collecting",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
