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

/// How much of a discarded answer is read, so that its connection can be used
/// again.
///
/// The API's error bodies are below 4 KiB, the pages of proxies in front of it
/// below 64 KiB; twice that leaves room. To read more would take longer than
/// the round trips of a new connection.
const MOST_BYTES: u64 = 128 * 1024;

/// The longest wait for the rest of a discarded response.
///
/// A new TCP and TLS connection to another continent takes about as long (three
/// round trips of 80 ms), so a longer wait gains nothing.
const MOST_TIME: Duration = Duration::from_millis(250);

/// How much of an answer is kept of which something is wanted: the API's error
/// bodies are below 4 KiB.
const MOST_KEPT: u64 = 8 * 1024;

/// What an empty frame counts for, so that a body of nothing else comes to an
/// end too.
const LEAST_PER_FRAME: u64 = 16;

pin_project! {
    /// Reads what is left of an answer and throws it away, so that an HTTP/1
    /// connection can be used again.
    ///
    /// Gives up, by dropping the body, after 128 KiB or 250 ms, or when it
    /// fails. Where it cannot help, the body is dropped at once: on HTTP/2,
    /// which needs no such thing; when the server closes the connection anyway;
    /// when the request is not wholly `sent`, which leaves nothing to save.
    /// Outside of a tokio runtime what is there already is read, and no more
    /// waited for.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Drain<R> {
        #[pin]
        body: Option<R>,
        left: u64,
        sleep: Option<Pin<Box<Sleep>>>,
        // The bytes read so far, if the caller wants them.
        kept: Option<Vec<u8>>,
    }
}

impl<R: Body> Drain<R> {
    /// `sent` is whether the request that was answered is wholly sent
    /// ([`CloneBody::is_sent`](super::CloneBody::is_sent)).
    pub(crate) fn new(response: Response<R>, sent: bool) -> Self {
        // Only HTTP/1 needs a response read to its end, and only a connection
        // that lives on gains by it.
        let helps = sent && is_http1(response.version()) && !closes(&response);
        let body = Some(response.into_body());
        Self {
            body: body.filter(|body| helps && body.size_hint().lower() <= MOST_BYTES),
            left: MOST_BYTES,
            sleep: None,
            kept: None,
        }
    }

    /// The same for an answer of which something is wanted: its first 8 KiB are
    /// kept. They are read on HTTP/2 too, and where the connection ends.
    pub(crate) fn keeping(response: Response<R>, sent: bool) -> Self {
        let helps = sent && is_http1(response.version()) && !closes(&response);
        let is_small = response.body().size_hint().lower() <= MOST_BYTES;
        Self {
            body: Some(response.into_body()),
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
    /// The kept bytes.
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

/// Ready when reading further gains nothing.
fn read<R: Body>(
    mut body: Pin<&mut R>,
    left: &mut u64,
    kept: &mut Option<Vec<u8>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
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
        // Past the limit a new connection is cheaper than the rest.
        match left.checked_sub(length.max(LEAST_PER_FRAME)) {
            Some(rest) => *left = rest,
            None => return Poll::Ready(()),
        }
    }
}

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
