use std::{
    cell::Cell,
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_test::{assert_pending, assert_ready, task};

use super::*;

/// A body that yields these frames and then stays pending. Notes how many were
/// read, and whether it was dropped.
struct Answer {
    frames: VecDeque<usize>,
    seen: Rc<Seen>,
    hint: SizeHint,
    panics: bool,
}

#[derive(Default)]
struct Seen {
    frames: Cell<usize>,
    dropped: Cell<bool>,
}

fn answer(frames: impl IntoIterator<Item = usize>) -> (Answer, Rc<Seen>) {
    let seen = Rc::<Seen>::default();
    let answer = Answer {
        frames: frames.into_iter().collect(),
        seen: Rc::clone(&seen),
        hint: SizeHint::new(),
        panics: false,
    };
    (answer, seen)
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        assert!(!self.panics, "the body panics");
        let Some(length) = self.frames.pop_front() else {
            return Poll::Pending;
        };
        self.seen.frames.set(self.seen.frames.get() + 1);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![0; length])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.hint.lower())
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.seen.dropped.set(true);
    }
}

fn http(version: Version, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.version_mut() = version;
    response
}

#[tokio::test(start_paused = true)]
async fn gives_up_on_a_body_that_stalls_after_250_ms() {
    let (body, seen) = answer([1, 2]);
    let mut drain = task::spawn(Drain::new(http(Version::HTTP_11, body), true));
    assert_pending!(drain.poll());
    assert_eq!((seen.frames.get(), seen.dropped.get()), (2, false));

    tokio::time::advance(Duration::from_millis(249)).await;
    assert_pending!(drain.poll());
    tokio::time::advance(Duration::from_millis(2)).await;
    assert!(drain.is_woken());
    assert_ready!(drain.poll());
    assert!(seen.dropped.get());
}

#[tokio::test]
async fn reads_128_kib_and_no_more() {
    let (body, seen) = answer([64 * 1024, 64 * 1024, 1]);
    Drain::new(http(Version::HTTP_11, body), true).await;
    assert_eq!((seen.frames.get(), seen.dropped.get()), (3, true));

    let (body, seen) = answer([64 * 1024, 64 * 1024 + 1, 1]);
    Drain::new(http(Version::HTTP_10, body), true).await;
    assert_eq!((seen.frames.get(), seen.dropped.get()), (2, true));
}

/// On HTTP/1 the rest is read, too, beyond the kept bytes, because that saves
/// the connection.
#[tokio::test]
async fn keeps_the_first_8_kib_of_a_response() {
    const MOST: usize = 8 * 1024;
    for (version, frames, kept, read) in [
        (Version::HTTP_11, vec![100, MOST - 100], MOST, 2),
        (Version::HTTP_11, vec![100, MOST, MOST, 1], MOST, 4),
        (Version::HTTP_2, vec![100, MOST - 100], MOST, 2),
        (Version::HTTP_2, vec![100, MOST, MOST, 1], MOST, 2),
        (Version::HTTP_2, vec![1_000_000, 1], MOST, 1),
        (Version::HTTP_2, vec![20, 30], 50, 2),
    ] {
        let what = format!("{version:?} {frames:?}");
        let (body, seen) = answer(frames);
        let mut drain = task::spawn(Drain::keeping(http(version, body), true));
        let result = match drain.poll() {
            Poll::Ready(result) => result,
            // The body never ends, so only the time limit ends the drain.
            Poll::Pending => {
                tokio::time::pause();
                tokio::time::advance(MOST_TIME + Duration::from_millis(1)).await;
                let result = assert_ready!(drain.poll(), "{what}");
                tokio::time::resume();
                result
            }
        };
        let length = result.map(|bytes| bytes.len());
        assert_eq!((length, seen.frames.get()), (Some(kept), read), "{what}");
        assert!(seen.dropped.get(), "{what}");
    }
}

#[tokio::test]
async fn what_is_kept_has_an_end_on_a_connection_that_needs_none() {
    let (body, seen) = answer(std::iter::repeat_n(0, 10_000));
    let kept = Drain::keeping(http(Version::HTTP_2, body), true).await;
    assert_eq!((kept, seen.frames.get()), (Some(Vec::new()), 513));
}

#[tokio::test]
async fn ends_on_a_body_of_empty_frames() {
    let (body, seen) = answer(std::iter::repeat_n(0, 10_000));
    Drain::new(http(Version::HTTP_11, body), true).await;
    assert_eq!(seen.frames.get(), 8193);
}

#[test]
fn reads_nothing_where_that_saves_no_connection() {
    let (http2, two) = answer([1]);
    let (unsent, one) = answer([1]);
    let (closing, zero) = answer([1]);
    let (long, longer) = answer([1]);
    let mut closing = http(Version::HTTP_11, closing);
    let close = http::HeaderValue::from_static("Keep-Alive, Close");
    closing.headers_mut().insert(header::CONNECTION, close);
    let mut long = http(Version::HTTP_11, long);
    long.body_mut().hint = SizeHint::with_exact(128 * 1024 + 1);
    let drains = [
        (Drain::new(http(Version::HTTP_2, http2), true), two),
        (Drain::new(http(Version::HTTP_11, unsent), false), one),
        (Drain::new(closing, true), zero),
        (Drain::new(long, true), longer),
    ];
    for (drain, seen) in drains {
        assert!(seen.dropped.get(), "at once, even if nobody polls");
        assert_eq!(drain.now_or_never(), Some(None));
        assert_eq!(seen.frames.get(), 0);
    }
}

#[test]
fn without_a_runtime_reads_what_is_there() {
    let (body, seen) = answer([1, 1]);
    let drain = Drain::new(http(Version::HTTP_11, body), true);
    assert_eq!(drain.now_or_never(), Some(None));
    assert_eq!((seen.frames.get(), seen.dropped.get()), (2, true));
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_wait_on_a_runtime_without_the_time_driver_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let (body, _) = answer([1, 1]);
    runtime
        .unwrap()
        .block_on(Drain::new(http(Version::HTTP_11, body), true));
}

#[tokio::test]
#[should_panic(expected = "the body panics")]
async fn a_panic_of_the_body_is_one_of_the_call() {
    let (mut body, _) = answer([1]);
    body.panics = true;
    Drain::new(http(Version::HTTP_11, body), true).await;
}

type Page = UnsyncBoxBody<Bytes, Infallible>;

/// Answers each request with a 429 and a page, whose second half arrives from
/// `halves`.
async fn server(halves: mpsc::UnboundedReceiver<Bytes>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let halves = Arc::new(tokio::sync::Mutex::new(halves));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let halves = Arc::clone(&halves);
            let service = service_fn(move |_: Request<Incoming>| {
                let halves = Arc::clone(&halves);
                let parts = futures_util::stream::unfold(0, move |part| {
                    let halves = Arc::clone(&halves);
                    async move {
                        let half = match part {
                            0 => Bytes::from(vec![b'x'; 32 * 1024]),
                            1 => halves.lock().await.recv().await?,
                            _ => return None,
                        };
                        Some((Ok(Frame::data(half)), part + 1))
                    }
                });
                let page: Page = http_body_util::StreamBody::new(parts).boxed_unsync();
                let mut response = Response::new(page);
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                async { Ok::<_, Infallible>(response) }
            });
            let http = http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(socket), service));
        }
    });
    (address, accepted)
}

#[tokio::test(start_paused = true)]
async fn five_answers_of_64_kib_that_come_late_cost_one_connection() {
    // The sockets are real, and a busy machine may take long for them. A paused
    // clock stands still while there is blocking work.
    let (_end, work) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || work.recv());
    let (send_half, halves) = mpsc::unbounded_channel();
    let (address, accepted) = server(halves).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    for _ in 0..5 {
        let answer = client
            .get(format!("http://{address}/").parse().unwrap())
            .await;
        let mut drain = task::spawn(Drain::new(answer.unwrap(), true));
        assert_pending!(drain.poll());
        send_half.send(Bytes::from(vec![b'y'; 32 * 1024])).unwrap();
        drain.await;
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}
