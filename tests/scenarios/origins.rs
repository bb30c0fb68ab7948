use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request, Response, StatusCode, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_genesys::{BoxError, GenesysLayer, ReplayBody, bearer::OriginError};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::setup::{Body, USERS, setup};

type Seen = Arc<Mutex<Vec<(String, bool)>>>;

/// A client whose API host redirects every request to another host, which
/// answers. Both record their requests, and whether these are signed.
fn redirecting(
    seen: Seen,
) -> impl tower::Service<
    Request<ReplayBody<Body>>,
    Response = Response<Body>,
    Error = BoxError,
    Future: Send,
> + Clone {
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let signed = request.headers().contains_key(header::AUTHORIZATION);
        let mut response = Response::new(Body::default());
        if host == "api.mypurecloud.com" {
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            let elsewhere = HeaderValue::from_static("https://files.example/report");
            response.headers_mut().insert(header::LOCATION, elsewhere);
        }
        seen.lock().expect("no panic").push((host, signed));
        async { Ok(response) }
    })
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_returned_and_the_token_goes_nowhere_else() {
    let setup = setup();
    let seen = Seen::default();
    let genesys = GenesysLayer::new(&setup.org).layer(redirecting(seen.clone()));
    let response = genesys.oneshot(setup.get(USERS)).await.expect("no error");
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(
        *seen.lock().expect("no panic"),
        [("api.mypurecloud.com".to_owned(), true)]
    );
}

#[tokio::test(start_paused = true)]
async fn redirects_followed_outside_of_the_layers_are_refused_at_the_foreign_host() {
    let setup = setup();
    let seen = Seen::default();
    let genesys = GenesysLayer::new(&setup.org).layer(redirecting(seen.clone()));
    let following = FollowRedirectLayer::new().layer(genesys);
    let error = following
        .oneshot(setup.get(USERS))
        .await
        .expect_err("it is not sent");
    assert!(OriginError::find(&*error).is_some(), "{error}");
    assert_eq!(
        *seen.lock().expect("no panic"),
        [("api.mypurecloud.com".to_owned(), true)]
    );
}

#[tokio::test(start_paused = true)]
async fn redirects_followed_inside_of_the_layers_lose_the_token() {
    let setup = setup();
    let seen = Seen::default();
    let client = FollowRedirectLayer::new().layer(redirecting(seen.clone()));
    let genesys = GenesysLayer::new(&setup.org).layer(client);
    genesys.oneshot(setup.get(USERS)).await.expect("no error");
    let seen = seen.lock().expect("no panic");
    assert!(
        seen.iter()
            .all(|(host, signed)| !signed || host == "api.mypurecloud.com"),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn plain_http_gets_no_token() {
    let setup = setup();
    let mut request = setup.get(USERS);
    *request.uri_mut() = "http://api.mypurecloud.com/api/v2/users"
        .parse()
        .expect("a URI");
    let error = setup.send(request).await.expect_err("it is not sent");
    assert!(error.to_string().contains("https"), "{error}");
    assert_eq!((setup.mock.token_posts(), setup.mock.api_calls()), (0, 0));
}
