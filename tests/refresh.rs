//! Does `Refresh` alone resend a request when that can help, and never
//! otherwise?

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_genesys::{
    RefreshLayer, ReplayBody, ReplayLayer,
    replay::{CloneBody, Renewable, Resend, Unreplayed},
};

type Body = ReplayBody<Full<Bytes>>;
type Bodies = Arc<Mutex<Vec<(Bytes, bool)>>>;

/// Answers the first `refusals` requests with a 401 that is renewable, or not,
/// and the rest with 200.
fn api(
    refusals: usize,
    renewable: bool,
) -> (
    impl Service<Request<Body>, Response = Response<Full<Bytes>>, Error = Infallible> + Clone,
    Bodies,
) {
    let seen = Bodies::default();
    let log = seen.clone();
    let service = service_fn(move |request: Request<Body>| {
        let log = log.clone();
        async move {
            let held = request.body().is_kept();
            let body = request
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes();
            let mut log = log.lock().expect("no panic");
            log.push((body, held));
            let mut response = Response::new(Full::from("why"));
            if log.len() <= refusals {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                if renewable {
                    response.extensions_mut().insert(Renewable);
                }
            }
            Ok(response)
        }
    });
    (service, seen)
}

fn post() -> Request<Full<Bytes>> {
    Request::post("https://api.mypurecloud.com/api/v2/users")
        .body("{}".into())
        .expect("a request")
}

#[tokio::test]
async fn a_renewable_401_is_followed_by_one_resend() {
    let (api, seen) = api(1, true);
    let service = ReplayLayer::new().layer(RefreshLayer::new().layer(api));
    let response = service.oneshot(post()).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK);
    let body = Bytes::from("{}");
    assert_eq!(
        *seen.lock().expect("no panic"),
        [(body.clone(), true), (body, true)]
    );
}

#[tokio::test]
async fn any_other_response_is_returned_unchanged() {
    let (api, seen) = api(1, false);
    let service = ReplayLayer::new().layer(RefreshLayer::new().layer(api));
    let response = service.oneshot(post()).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.extensions().get::<Unreplayed>().is_none());
    assert_eq!(seen.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn the_second_401_is_returned_intact() {
    let (api, seen) = api(9, true);
    let service = ReplayLayer::new().layer(RefreshLayer::new().layer(api));
    let response = service.oneshot(post()).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.extensions().get(),
        Some(&Unreplayed::AlreadyReplayed)
    );
    assert_eq!(
        response
            .into_body()
            .collect()
            .await
            .expect("intact")
            .to_bytes(),
        "why"
    );
    assert_eq!(seen.lock().expect("no panic").len(), 2);
}

#[tokio::test]
async fn a_request_that_an_outer_layer_holds_passes_with_a_mark() {
    let (api, seen) = api(1, true);
    let mut request = post().map(ReplayBody::new);
    request.body_mut().mark_kept();
    let response = RefreshLayer::new()
        .layer(api)
        .oneshot(request)
        .await
        .expect("infallible");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.extensions().get(), Some(&Resend));
    assert_eq!(seen.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn two_refresh_layers_do_not_multiply() {
    let (api, seen) = api(9, true);
    let inner = RefreshLayer::new().layer(RefreshLayer::new().layer(api));
    let response = ReplayLayer::new()
        .layer(inner)
        .oneshot(post())
        .await
        .expect("infallible");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.extensions().get(),
        Some(&Unreplayed::AlreadyReplayed)
    );
    assert!(
        response.extensions().get::<Resend>().is_none(),
        "the mark is for layers, not for the caller"
    );
    assert_eq!(seen.lock().expect("no panic").len(), 2);
}

#[tokio::test]
async fn a_request_whose_body_is_gone_is_sent_once_and_its_401_has_the_reason() {
    let (api, seen) = api(1, true);
    let chunks = (0..100)
        .map(|_| Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(&[7; 4096]))));
    let stream = http_body_util::StreamBody::new(futures_util::stream::iter(chunks));
    let service = RefreshLayer::new().layer(service_fn(move |request: Request<ReplayBody<_>>| {
        let api = api.clone();
        async move {
            let (head, body) = request.into_parts();
            let body: Bytes = BodyExt::collect(body).await.expect("a body").to_bytes();
            api.oneshot(Request::from_parts(head, ReplayBody::new(Full::new(body))))
                .await
        }
    }));
    let request = post().map(|_| stream);
    let response = ReplayLayer::new()
        .layer(service)
        .oneshot(request)
        .await
        .expect("infallible");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.extensions().get(), Some(&Unreplayed::BodyGone));
    let seen = seen.lock().expect("no panic");
    assert_eq!(
        (seen.len(), seen[0].0.len()),
        (1, 409_600),
        "the whole body is sent"
    );
}

#[tokio::test]
async fn the_service_is_ready_again_before_the_resend() {
    use tokio_test::{assert_pending, assert_ready_ok, task};

    let (mock, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Full<Bytes>>>();
    let mut service = RefreshLayer::new().layer(mock);
    handle.allow(1);
    let ready = task::spawn(service.ready()).poll();
    let request = post().map(ReplayBody::new);
    let mut call = task::spawn(assert_ready_ok!(ready).call(request));
    let mut refused = Response::new(Full::default());
    *refused.status_mut() = StatusCode::UNAUTHORIZED;
    refused.extensions_mut().insert(Renewable);
    let (_, answer) = handle.next_request().await.expect("the first send");
    answer.send_response(refused);

    assert_pending!(call.poll());
    assert_pending!(
        task::spawn(handle.next_request()).poll(),
        "not before it is ready"
    );
    handle.allow(1);
    assert_pending!(call.poll());
    let (_, answer) = handle.next_request().await.expect("the second send");
    answer.send_response(Response::new(Full::default()));
    assert_eq!(call.await.expect("no error").status(), StatusCode::OK);
}

#[tokio::test]
async fn the_resend_has_all_extensions_even_an_upgrade() {
    let upgrades = Arc::new(Mutex::new(Vec::new()));
    let log = upgrades.clone();
    let (api, _seen) = api(1, true);
    let spy = tower::util::MapRequestLayer::new(move |request: Request<Body>| {
        let upgrade = request.extensions().get::<hyper::upgrade::OnUpgrade>();
        log.lock().expect("no panic").push(upgrade.is_some());
        request
    });
    let service = ReplayLayer::new().layer(RefreshLayer::new().layer(spy.layer(api)));
    let mut request = post();
    request
        .extensions_mut()
        .insert(hyper::upgrade::on(Request::new(())));
    let response = service.oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(*upgrades.lock().expect("no panic"), [true, true]);
}
