//! `ReplayLayer` changes the body of a request, and nothing else.

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};
use tower::{Layer, Service};
use tower_genesys::{ReplayBody, ReplayLayer, replay::CloneBody};
use tower_test::mock;

type Body = ReplayBody<Full<Bytes>>;

/// An error of a custom type, which does not even implement `Error`.
#[derive(Debug, PartialEq)]
struct Refused;

#[tokio::test]
async fn the_request_and_the_response_pass_unchanged() {
    let mut service = mock::spawn_layer::<_, _, _>(ReplayLayer::new());
    let (service, handle): (
        &mut mock::Spawn<_>,
        &mut mock::Handle<Request<Body>, Response<u8>>,
    ) = (&mut service.0, &mut service.1);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());

    let request = Request::patch("/users").header("a", "b").extension(7_u8);
    let answer = service.call(request.body(Full::from("name")).unwrap());
    let (sent, reply) = handle.next_request().await.unwrap();
    assert_eq!(sent.method(), "PATCH");
    assert_eq!(sent.uri(), "/users");
    assert_eq!(sent.headers()["a"], "b");
    assert_eq!(sent.extensions().get(), Some(&7_u8));
    assert_eq!(sent.into_body().collect().await.unwrap().to_bytes(), "name");
    reply.send_response(Response::builder().status(503).body(5).unwrap());
    let answer = answer.await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.into_body()), (503, 5));
}

/// Whether the default caps keep a stream of `frames` times 1,000 bytes that
/// does not state its length and is sent with this head.
async fn is_kept(frames: usize, head: http::request::Builder) -> bool {
    let layer = ReplayLayer::new();
    let mut service = layer.layer(tower::service_fn(
        async |request: Request<ReplayBody<_>>| {
            let older = request.into_body();
            let newer = older.try_clone().expect("nothing was sent yet");
            assert_eq!(older.size_hint().exact(), None, "it is framed as it came");
            older.collect().await?;
            assert!(newer.is_sent());
            Ok::<_, tower_genesys::BoxError>(newer.is_replayable())
        },
    ));
    let frames =
        (0..frames).map(|_| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![0; 1000]))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    service.call(head.body(body).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_length_that_only_the_header_announces_counts_as_known() {
    let put = || Request::put("/users");
    assert!(is_kept(200, put().header(CONTENT_LENGTH, "200000")).await);
    assert!(!is_kept(200, put()).await);
    for wrong in ["+200000", "200000,200000", "", "long"] {
        assert!(
            !is_kept(200, put().header(CONTENT_LENGTH, wrong)).await,
            "{wrong}"
        );
    }
    let two = put().header(CONTENT_LENGTH, "200000");
    assert!(!is_kept(200, two.header(CONTENT_LENGTH, "3")).await);
}

#[tokio::test]
async fn a_transport_that_stops_at_the_announced_length_has_sent_all() {
    let mut service = ReplayLayer::new().layer(tower::service_fn(
        async |request: Request<ReplayBody<_>>| {
            let mut older = request.into_body();
            let newer = older.try_clone().expect("nothing was sent yet");
            for sent in [false, false, true] {
                assert_eq!(newer.is_sent(), sent);
                older.frame().await.expect("there is one more")?;
            }
            Ok::<_, tower_genesys::BoxError>(())
        },
    ));
    let frames = [(); 3].map(|()| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"xx"))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::put("/users").header(CONTENT_LENGTH, "4");
    service.call(request.body(body).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_header_that_announces_too_little_does_not_raise_the_cap() {
    let head = Request::put("/users").header(CONTENT_LENGTH, "200000");
    assert!(!is_kept(1100, head).await, "over a mebibyte");
}

#[tokio::test]
async fn a_body_announced_over_the_cap_is_not_kept() {
    let layer = ReplayLayer::new().with_known_cap(1000);
    let mut service = layer.layer(tower::service_fn(
        async |request: Request<ReplayBody<_>>| {
            Ok::<_, tower_genesys::BoxError>(request.into_body().try_clone().is_some())
        },
    ));
    for (length, kept) in [("1000", true), ("1001", false)] {
        let frames = [Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(
            b"x",
        )))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let request = Request::put("/users").header(CONTENT_LENGTH, length);
        assert_eq!(
            service.call(request.body(body).unwrap()).await.unwrap(),
            kept
        );
    }
}

#[test]
fn an_error_of_the_service_is_passed_on_in_its_own_type() {
    struct Broken;
    impl Service<Request<Body>> for Broken {
        type Response = ();
        type Error = Refused;
        type Future = std::future::Ready<Result<(), Refused>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Refused>> {
            std::task::Poll::Ready(Err(Refused))
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            std::future::ready(Err(Refused))
        }
    }
    let mut service = mock::Spawn::new(Layer::layer(&ReplayLayer::default(), Broken));
    assert_eq!(
        assert_ready_err!(service.poll_ready::<Request<Full<Bytes>>>()),
        Refused
    );
    let mut call = tokio_test::task::spawn(service.call(Request::new(Full::from("x"))));
    assert_eq!(assert_ready_err!(call.poll()), Refused);
}
