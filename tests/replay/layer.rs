//! That `ReplayLayer` changes the body of a request, and nothing else.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};
use tower_genesys::{ReplayBody, ReplayLayer};
use tower_test::mock;

type Body = ReplayBody<Full<Bytes>>;

/// No error of a standard type: whatever the service has is passed on as it is.
#[derive(Debug, PartialEq)]
struct Refused;

#[tokio::test]
async fn the_request_and_the_response_pass_as_they_are() {
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

#[test]
fn an_error_of_the_service_is_passed_on_in_its_own_type() {
    struct Broken;
    impl tower::Service<Request<Body>> for Broken {
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
    let mut service = mock::Spawn::new(tower::Layer::layer(&ReplayLayer::default(), Broken));
    assert_eq!(
        assert_ready_err!(service.poll_ready::<Request<Full<Bytes>>>()),
        Refused
    );
    let mut call = tokio_test::task::spawn(service.call(Request::new(Full::from("x"))));
    assert_eq!(assert_ready_err!(call.poll()), Refused);
}
