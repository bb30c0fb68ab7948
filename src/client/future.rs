use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, uri::Authority};
use http_body::Body;
use hyper_util::client::legacy;
use tokio::time::Instant;

use super::{
    ClientError, ResponseBody,
    pools::Pools,
    served::Served,
    upload::{Progress, Upload},
    wait::Wait,
};
use crate::BoxError;

/// The response future of a [`Client`](super::Client).
///
/// # Cancellation
///
/// It may be dropped at any time. The client then closes the request's HTTP/1.1
/// connection, or resets its HTTP/2 stream.
///
/// # Panics
///
/// If it is polled after it has completed.
#[must_use = "a future does nothing until it is awaited"]
pub struct ResponseFuture<B> {
    state: State<B>,
    /// For messages.
    authority: Option<Authority>,
    limits: Limits,
}

/// The time limits on a server's silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Until the head of the response. `None`: no limit.
    pub(super) response: Option<Duration>,
    /// Between two frames of the response body. `None`: no limit.
    pub(super) body_idle: Option<Duration>,
}

/// The progress of a request.
enum State<B> {
    // The first poll chooses the pool: the future may be awaited on another
    // runtime than the one that created it.
    Unsent(Request<B>, Arc<Pools<B>>),
    Sent(Sent),
    Failed(ClientError),
    Done,
}

/// A request in the hands of hyper-util.
struct Sent {
    response: legacy::ResponseFuture,
    /// The progress of the upload, unless the body is empty.
    progress: Option<Arc<Progress>>,
    /// The wait for the head.
    wait: Wait,
}

impl<B> ResponseFuture<B> {
    /// Creates a future that sends the request at its first poll.
    pub(super) fn unsent(request: Request<B>, pools: Arc<Pools<B>>, limits: Limits) -> Self {
        Self {
            authority: request.uri().authority().cloned(),
            state: State::Unsent(request, pools),
            limits,
        }
    }

    /// Creates a future that fails at its first poll.
    pub(super) fn failed(error: ClientError, limits: Limits) -> Self {
        Self {
            state: State::Failed(error),
            authority: None,
            limits,
        }
    }
}

impl<B> Future for ResponseFuture<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody>, ClientError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing in it is pinned, because hyper-util boxes its future.
        let this = self.get_mut();
        loop {
            match mem::replace(&mut this.state, State::Done) {
                State::Unsent(request, pools) => match Sent::send(request, &pools) {
                    Some(sent) => this.state = State::Sent(sent),
                    None => {
                        let authority = this.authority.as_ref();
                        return Poll::Ready(Err(ClientError::no_runtime(authority)));
                    }
                },
                State::Sent(mut sent) => {
                    let Poll::Ready(result) = this.poll_sent(&mut sent, cx) else {
                        this.state = State::Sent(sent);
                        return Poll::Pending;
                    };
                    // Dropping hyper-util's future ends the exchange, also
                    // after a time-out.
                    drop(sent);
                    return Poll::Ready(result.map(|response| this.wrap(response)));
                }
                State::Failed(error) => return Poll::Ready(Err(error)),
                State::Done => panic!("a response future was polled after it had completed"),
            }
        }
    }
}

impl<B> ResponseFuture<B> {
    /// Polls the response before the limit: a response that is there when the
    /// time is over still counts.
    fn poll_sent(
        &self,
        sent: &mut Sent,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<hyper::body::Incoming>, ClientError>> {
        let authority = self.authority.as_ref();
        if let Poll::Ready(result) = Pin::new(&mut sent.response).poll(cx) {
            return Poll::Ready(result.map_err(|error| ClientError::new(authority, error)));
        }
        match self.limits.response {
            Some(limit) if sent.is_over(limit, cx) => {
                Poll::Ready(Err(ClientError::response_timed_out(authority, limit)))
            }
            _ => Poll::Pending,
        }
    }

    /// Turns hyper's response into the client's.
    fn wrap(&mut self, mut response: Response<hyper::body::Incoming>) -> Response<ResponseBody> {
        Served::note(response.extensions_mut());
        let (authority, idle) = (self.authority.take(), self.limits.body_idle);
        response.map(|body| ResponseBody::new(body, authority, idle))
    }
}

impl Sent {
    /// Hands the request to the pool of the current runtime. Returns `None`
    /// outside of a runtime.
    fn send<B>(request: Request<B>, pools: &Arc<Pools<B>>) -> Option<Self>
    where
        B: Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let request = request.map(Upload::new);
        let progress = request.body().progress();
        Some(Self {
            response: pools.request(request).ok()?,
            progress,
            wait: Wait::new(),
        })
    }

    /// Returns whether the server was silent for this long, counted from the
    /// send or from the upload's last progress.
    fn is_over(&mut self, limit: Duration, cx: &mut Context<'_>) -> bool {
        let mut polled = self.wait.poll(limit, cx);
        // A long upload is not silence: the limit counts from the last part
        // that was sent.
        while let (Poll::Ready(()), Some(progress)) = (polled, &self.progress) {
            let now = Instant::now();
            match progress.last(now).checked_add(limit) {
                Some(end) if end <= now => return true,
                Some(end) => polled = self.wait.restart(end, cx),
                None => return false,
            }
        }
        polled.is_ready()
    }
}

impl<B> fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
