//! Reading what is left of a discarded response, so that its connection can be
//! used for the next attempt.
//!
//! `Refresh` and `Retry` do so before they resend. The limits below say when a
//! new connection is cheaper.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Buf;
use http::{Response, Version, header};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use crate::runtime;

/// The maximum number of bytes of a discarded response that are read.
///
/// The API's error bodies are below 4 KiB, and the pages of proxies in front of
/// it below 64 KiB, so twice that leaves room. Reading more would take longer
/// than the round trips of a new connection.
const MOST_BYTES: u64 = 128 * 1024;

/// The longest wait for the rest of a discarded response.
///
/// A new TCP and TLS connection to another continent takes about as long (three
/// round trips of 80 ms), so a longer wait gains nothing.
const MOST_TIME: Duration = Duration::from_millis(250);

/// The maximum number of bytes that are kept of a body that the caller reads:
/// twice the API's error bodies, which are below 4 KiB.
const MOST_KEPT: u64 = 8 * 1024;

/// The number of bytes that any frame counts for at least, so that a body of
/// empty frames reaches the limit too.
const LEAST_PER_FRAME: u64 = 16;

pin_project! {
    /// Reads and discards what is left of a response, so that its HTTP/1
    /// connection can be reused.
    ///
    /// It gives up, by dropping the body, after 128 KiB, after 250 ms, or when
    /// the body fails. Outside of a tokio runtime, it reads what has arrived
    /// and does not wait for more.
    ///
    /// It drops the body at once if reading cannot help:
    ///
    /// - on HTTP/2, where dropping a stream leaves the connection usable,
    /// - if the server closes the connection anyway,
    /// - if the request is not fully sent, because then the connection cannot
    ///   be reused.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Drain<R> {
        // `None` when there is nothing more to read.
        #[pin]
        body: Option<R>,
        // The number of bytes that may still be read.
        left: u64,
        // The time limit. It starts when the body is first pending, which most
        // are not.
        sleep: Option<Pin<Box<Sleep>>>,
        // The bytes read so far, if the caller wants them.
        kept: Option<Vec<u8>>,
    }
}

impl<R: Body> Drain<R> {
    /// Creates a drain that keeps nothing. `sent` states that the request of
    /// this response is fully sent
    /// ([`CloneBody::is_sent`](super::CloneBody::is_sent)).
    pub(crate) fn new(response: Response<R>, sent: bool) -> Self {
        // Only HTTP/1 needs a response to be read to its end, and only a
        // connection that stays open gains by it.
        let helps = sent && is_http1(response.version()) && !closes(&response);
        let body = Some(response.into_body());
        Self {
            body: body.filter(|body| helps && body.size_hint().lower() <= MOST_BYTES),
            left: MOST_BYTES,
            sleep: None,
            kept: None,
        }
    }

    /// Creates a drain that also keeps the first 8 KiB of the body, such as the
    /// message of a 429. It reads these even on HTTP/2, and if the connection
    /// cannot be reused.
    pub(crate) fn keeping(response: Response<R>, sent: bool) -> Self {
        let helps = sent && is_http1(response.version()) && !closes(&response);
        let is_small = response.body().size_hint().lower() <= MOST_BYTES;
        Self {
            body: Some(response.into_body()),
            // Without a connection to save, only the kept part is worth its
            // time.
            left: if helps && is_small {
                MOST_BYTES
            } else {
                MOST_KEPT
            },
            sleep: None,
            kept: Some(Vec::new()),
        }
    }
}

impl<R: Body> Future for Drain<R> {
    /// The kept bytes, if this drain keeps any.
    type Output = Option<Vec<u8>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(this.kept.take());
        };
        if read(body, this.left, this.kept, cx).is_pending() {
            if this.sleep.is_none() {
                *this.sleep = runtime::sleep_until(Instant::now() + MOST_TIME);
            }
            // Outside of a runtime nothing would end a wait for the rest.
            if let Some(sleep) = this.sleep {
                ready!(sleep.as_mut().poll(cx));
            }
        }
        this.body.set(None);
        *this.sleep = None;
        Poll::Ready(this.kept.take())
    }
}

/// Reads frames until the body has ended or failed, or is over the limit.
fn read<R: Body>(
    mut body: Pin<&mut R>,
    left: &mut u64,
    kept: &mut Option<Vec<u8>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        // An ended body needs no poll: most error bodies are one frame.
        if body.is_end_stream() {
            return Poll::Ready(());
        }
        let Some(Ok(mut frame)) = ready!(body.as_mut().poll_frame(cx)) else {
            return Poll::Ready(());
        };
        let length = frame.data_ref().map_or(0, |data| data.remaining() as u64);
        if let (Some(kept), Some(data)) = (kept.as_mut(), frame.data_mut()) {
            keep(kept, data);
        }
        // Over the limit, a new connection is cheaper than the rest of the
        // body.
        match left.checked_sub(length.max(LEAST_PER_FRAME)) {
            Some(rest) => *left = rest,
            None => return Poll::Ready(()),
        }
    }
}

/// Appends the data to the kept bytes, up to their maximum.
fn keep(kept: &mut Vec<u8>, data: &mut impl Buf) {
    let room = usize::try_from(MOST_KEPT).unwrap_or(0);
    while data.has_remaining() && kept.len() < room {
        let chunk = data.chunk();
        let taken = chunk.len().min(room - kept.len());
        kept.extend_from_slice(&chunk[..taken]);
        data.advance(taken);
    }
}

fn is_http1(version: Version) -> bool {
    matches!(version, Version::HTTP_10 | Version::HTTP_11)
}

/// Whether the server closes the connection after this response.
fn closes<R>(response: &Response<R>) -> bool {
    let connection = response.headers().get_all(header::CONNECTION);
    let mut options = connection.iter().filter_map(|value| value.to_str().ok());
    options.any(|value| {
        value
            .split(',')
            .any(|option| option.trim().eq_ignore_ascii_case("close"))
    })
}

#[cfg(test)]
mod tests;
