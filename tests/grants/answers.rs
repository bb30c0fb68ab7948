//! Answers of the token endpoint that are hard to read: broken bodies,
//! encodings, byte order marks.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::CONTENT_ENCODING};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use tokio::time::{Instant, advance};
use tower_genesys::{
    BoxError, Credentials, TokenCache,
    genesys::grants::ClientCredentials,
    testing::{MockGenesys, MockService, TOKEN},
    token::TokenErrorKind as Kind,
};

use crate::setup::{Body, Refreshing, credentials, failure, fetch};

type Answering = UnsyncBoxBody<Bytes, BoxError>;

const RETRY_AFTER: u64 = 60;

/// Bodies that cannot be read.
#[derive(Clone, Copy, Debug)]
enum Spoilt {
    /// 100 KiB of something other than JSON.
    Page,
    BreaksOff,
    NeverEnds,
}

impl Spoilt {
    const ALL: [Self; 3] = [Self::Page, Self::BreaksOff, Self::NeverEnds];

    fn body(self) -> Answering {
        let page = Bytes::from_static(&[b'<'; 1024]);
        let frames = stream::repeat(page).map(|page| Ok(Frame::data(page)));
        match self {
            Self::Page => StreamBody::new(frames.take(100)).boxed_unsync(),
            Self::BreaksOff => {
                let end = stream::iter([Err("reset".into())]);
                StreamBody::new(frames.take(1).chain(end)).boxed_unsync()
            }
            Self::NeverEnds => {
                StreamBody::new(frames.take(1).chain(stream::pending())).boxed_unsync()
            }
        }
    }
}

/// A client that always answers like this, and the number of its requests.
fn spoilt(
    status: u16,
    body: Spoilt,
) -> (
    impl tower::Service<Request<Body>, Response = Response<Answering>, Error = Infallible, Future: Send>
    + Clone
    + Send,
    Arc<AtomicUsize>,
) {
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&posts);
    let client = tower::service_fn(move |_: Request<Body>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(body.body());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let headers = response.headers_mut();
        headers.insert("retry-after", HeaderValue::from(RETRY_AFTER));
        std::future::ready(Ok::<_, Infallible>(response))
    });
    (client, posts)
}

fn simple(mock: &MockGenesys) -> ClientCredentials<MockService, Credentials, Body> {
    ClientCredentials::new(mock.region(), credentials(mock), mock.service())
}

#[tokio::test(start_paused = true)]
async fn a_429_or_503_is_read_from_its_head_whatever_its_body() {
    for (status, kind) in [(429, Kind::Throttled), (503, Kind::Unavailable)] {
        for body in Spoilt::ALL {
            let mock = MockGenesys::new();
            let (client, posts) = spoilt(status, body);
            let source = ClientCredentials::new(mock.region(), credentials(&mock), client);
            let cache = TokenCache::new(source);
            let begun = Instant::now();
            let error = cache.token().await.unwrap_err();
            assert_eq!(error.kind(), kind, "{status} {body:?}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(RETRY_AFTER)));
            assert!(begun.elapsed() <= Duration::from_millis(250), "{body:?}");
            for _ in 0..59 {
                cache.token().await.unwrap_err();
                advance(Duration::from_secs(1)).await;
            }
            assert_eq!(posts.load(Ordering::SeqCst), 1, "{status} {body:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_400_with_an_unreadable_body_counts_as_unavailable() {
    for body in Spoilt::ALL {
        let mock = MockGenesys::new();
        let (client, _) = spoilt(400, body);
        let source = ClientCredentials::new(mock.region(), credentials(&mock), client);
        let begun = Instant::now();
        let error = failure(&source).await;
        assert_eq!(error.kind(), Kind::Unavailable, "{body:?}");
        assert!(begun.elapsed() <= Duration::from_secs(2), "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_survives_a_429_with_an_unreadable_body() {
    let mock = MockGenesys::new();
    for body in Spoilt::ALL {
        let (client, posts) = spoilt(429, body);
        let source = Refreshing::new(mock.region(), credentials(&mock), "r3fr3sh", client);
        for _ in 0..2 {
            assert_eq!(failure(&source).await.kind(), Kind::Throttled);
        }
        assert_eq!(posts.load(Ordering::SeqCst), 2, "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_zero_still_limits_requests() {
    for value in [Some("0"), Some("Tue, 15 Nov 1994 08:12:31 GMT"), None] {
        let mock = MockGenesys::new();
        let mut headers = HeaderMap::new();
        headers.extend(value.map(|value| {
            let value = HeaderValue::from_static(value);
            (http::header::RETRY_AFTER, value)
        }));
        let script = mock.on(TOKEN).from(1);
        script.reply(StatusCode::TOO_MANY_REQUESTS, headers, "");
        let source = simple(&mock);
        let cache = TokenCache::new(source);
        for _ in 0..3_000 {
            cache.token().await.unwrap_err();
            advance(Duration::from_millis(100)).await;
        }
        let posts = mock.token_posts();
        assert!((8..=24).contains(&posts), "{value:?}: {posts} in 300 s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_may_begin_with_a_byte_order_mark() {
    let mock = MockGenesys::new();
    let answer = "\u{feff}{\"access_token\":\"s3cr3t\",\"expires_in\":60}";
    mock.on(TOKEN).reply_token_json(answer);
    let source = simple(&mock);
    assert_eq!(fetch(&source).await.unwrap().expose(), "s3cr3t");
}

#[tokio::test(start_paused = true)]
async fn an_unrequested_encoding_is_an_error_that_names_it() {
    let mock = MockGenesys::new();
    let script = mock.on(TOKEN);
    script.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let source = simple(&mock);
    let error = failure(&source).await;
    assert_eq!(error.kind(), Kind::Malformed);
    assert!(error.to_string().contains("encoding `gzip`"), "{error}");
    let sent = &mock.requests_at(TOKEN)[0];
    assert_eq!(sent.headers()["accept-encoding"], "identity");
}
