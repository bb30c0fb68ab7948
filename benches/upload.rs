//! What does it cost to keep a body during a send? A mebibyte in frames of 64
//! KiB goes through the layers that could resend it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_genesys::{ReplayLayer, RetryLayer};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

const FRAME: usize = 64 * 1024;
const FRAMES: usize = 16;

/// A body that fills each frame on request.
struct Frames {
    left: usize,
    says_length: bool,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(vec![b'x'; FRAME].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.says_length {
            true => SizeHint::with_exact((self.left * FRAME) as u64),
            false => SizeHint::new(),
        }
    }
}

/// Reads all frames, one after the other.
async fn take<B>(request: Request<B>) -> Result<Response<Empty<Bytes>>, BoxError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        drop(divan::black_box(frame.map_err(Into::into)?));
    }
    Ok(Response::new(Empty::new()))
}

fn upload<S>(bencher: divan::Bencher<'_, '_>, says_length: bool, service: S)
where
    S: Service<Request<Frames>, Error = BoxError> + Clone,
{
    bencher.bench_local(|| {
        let left = FRAMES;
        let request = Request::new(Frames { left, says_length });
        let sent = service.clone().oneshot(request).now_or_never();
        assert!(sent.is_some_and(|sent| sent.is_ok()));
    });
}

#[divan::bench]
fn bare_stream(bencher: divan::Bencher<'_, '_>) {
    upload(bencher, true, service_fn(take));
}

#[divan::bench]
fn kept_within_the_cap(bencher: divan::Bencher<'_, '_>) {
    let retry = RetryLayer::default().layer(service_fn(take));
    upload(bencher, true, ReplayLayer::new().layer(retry));
}

#[divan::bench]
fn given_up_at_the_cap(bencher: divan::Bencher<'_, '_>) {
    let retry = RetryLayer::default().layer(service_fn(take));
    upload(bencher, false, ReplayLayer::new().layer(retry));
}
