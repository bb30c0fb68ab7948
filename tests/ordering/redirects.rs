use std::io;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header::LOCATION};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_genesys::{
    BoxError, GenesysLayer,
    bearer::{OriginError, OriginErrorKind},
    testing::{CREATE_USER, MockBody, MockGenesys, USERS, USERS_ME},
};
use tower_http::follow_redirect::{FollowRedirectLayer, policy::Limited};

use crate::setup::{Body, Sent, Setup, USERS_PATH, org_of, setup};

const FOREIGN: &str = "https://other.example/api/v2/users/me";

fn redirects(setup: &Setup, location: &'static str) {
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, HeaderValue::from_static(location));
    setup.mock.on(USERS).reply(StatusCode::FOUND, headers, "");
}

/// A client that reaches the API and a foreign host.
fn client(
    setup: &Setup,
    foreign: &MockGenesys,
) -> impl Service<Sent, Response = Response<MockBody>, Error = BoxError, Future: Send> + Clone + use<>
{
    let (api, foreign) = (setup.mock.service(), foreign.service());
    service_fn(move |request: Sent| {
        let there = request.uri().host() == Some("other.example");
        let service = if there { foreign.clone() } else { api.clone() };
        async move { service.oneshot(request).await.map_err(BoxError::from) }
    })
}

#[tokio::test(start_paused = true)]
async fn inside_a_redirect_within_the_origin_keeps_the_token_and_counts_as_one_send() {
    let setup = setup().await;
    redirects(&setup, "/api/v2/users/me");
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .service(setup.mock.service());
    let stack = setup.layer.layer(client);
    setup.answer(stack, USERS_PATH).await;
    let hops = [USERS, USERS_ME].map(|route| setup.mock.requests_at(route));
    assert_eq!((hops[0].len(), hops[1].len()), (1, 1));
    assert_eq!(hops[0][0].bearer(), hops[1][0].bearer());
}

#[tokio::test(start_paused = true)]
async fn inside_a_foreign_origin_gets_no_token_and_its_401_costs_a_renewal_and_a_resend() {
    let setup = setup().await;
    let foreign = MockGenesys::new();
    redirects(&setup, FOREIGN);
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .service(client(&setup, &foreign));
    let stack = setup.layer.layer(client);
    let response = setup.answer(stack, USERS_PATH).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let hops = foreign.requests();
    assert!(
        hops.iter()
            .all(|hop| !hop.headers().contains_key("authorization"))
    );
    assert_eq!((setup.mock.count(USERS), hops.len()), (2, 2));
    setup.org.tokens().token().await.expect("a token");
    assert_eq!(setup.mock.token_posts(), 3, "the second 401 costs one too");
}

#[tokio::test(start_paused = true)]
async fn inside_with_a_policy_that_keeps_credentials_the_foreign_origin_gets_the_token() {
    let setup = setup().await;
    let foreign = MockGenesys::new();
    redirects(&setup, FOREIGN);
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::with_policy(Limited::new(5)))
        .service(client(&setup, &foreign));
    let stack = setup.layer.layer(client);
    setup.answer(stack, USERS_PATH).await;
    let given = setup.mock.requests_at(USERS)[0].bearer().map(str::to_owned);
    assert_eq!(foreign.requests()[0].bearer().map(str::to_owned), given);
}

/// A client that reaches the API. The foreign host is down.
fn client_without_the_foreign_host(
    setup: &Setup,
) -> impl Service<Sent, Response = Response<MockBody>, Error = BoxError, Future: Send> + Clone + use<>
{
    let api = setup.mock.service();
    service_fn(move |request: Sent| {
        let (api, there) = (api.clone(), request.uri().host() == Some("other.example"));
        async move {
            if there {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
            }
            api.oneshot(request).await.map_err(BoxError::from)
        }
    })
}

fn post(setup: &Setup) -> Request<Body> {
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, HeaderValue::from_static(FOREIGN));
    let rule = setup.mock.on(CREATE_USER);
    rule.reply(StatusCode::SEE_OTHER, headers, "");
    let mut request = setup.get(USERS_PATH);
    *request.method_mut() = Method::POST;
    request
}

#[tokio::test(start_paused = true)]
async fn inside_a_redirect_to_a_host_that_is_down_repeats_a_post_and_outside_it_does_not() {
    let setup = setup().await;
    let down = client_without_the_foreign_host(&setup);
    let follow = FollowRedirectLayer::new();
    let inside = ServiceBuilder::new()
        .layer(setup.layer.clone())
        .service(ServiceBuilder::new().layer(follow).service(down));
    let sent = inside.oneshot(post(&setup)).await.map(drop);
    sent.expect_err("the host is down");
    assert_eq!(setup.mock.count(CREATE_USER), 4);

    let setup = crate::setup::setup().await;
    let down = client_without_the_foreign_host(&setup);
    let outside = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(setup.layer.clone())
        .service(down);
    let sent = outside.oneshot(post(&setup)).await.map(drop);
    sent.expect_err("the token is not for that host");
    assert_eq!(setup.mock.count(CREATE_USER), 1);
}

#[tokio::test(start_paused = true)]
async fn outside_each_hop_is_signed_by_itself_and_may_be_resent() {
    let setup = setup().await;
    redirects(&setup, "/api/v2/users/me");
    setup.mock.on(USERS_ME).nth(1).revoke_token();
    let stack = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(setup.layer.clone())
        .service(setup.mock.service());
    setup.answer(stack, USERS_PATH).await;
    let hops = setup.mock.requests_at(USERS_ME);
    assert_eq!((setup.mock.count(USERS), hops.len()), (1, 2));
    assert_ne!(hops[0].bearer(), hops[1].bearer());
    assert_eq!(setup.mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn outside_a_foreign_origin_is_refused_whatever_the_policy() {
    let setup = setup().await;
    let foreign = MockGenesys::new();
    redirects(&setup, FOREIGN);
    let stack = ServiceBuilder::new()
        .layer(FollowRedirectLayer::with_policy(Limited::new(5)))
        .layer(setup.layer.clone())
        .service(client(&setup, &foreign));
    let error = stack.oneshot(setup.get(USERS_PATH)).await.map(drop);
    let error = error.expect_err("the token is not for that host");
    assert!(OriginError::find(&*error).is_some(), "{error}");
    assert_eq!((foreign.requests().len(), setup.mock.token_posts()), (0, 1));
}

/// The behaviour of tower-http before 0.7.
fn without_extensions() -> FollowRedirectLayer {
    FollowRedirectLayer::new().preserve_extensions(false)
}

#[tokio::test(start_paused = true)]
async fn outside_a_hop_within_the_origin_keeps_the_organisation_of_the_request() {
    let setup = setup().await;
    redirects(&setup, "/api/v2/users/me");
    let stack = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(GenesysLayer::per_request())
        .service(setup.mock.service());
    let mut request = setup.get(USERS_PATH);
    request.extensions_mut().insert(setup.org.clone());
    stack.oneshot(request).await.expect("no error");
    let hops = [USERS, USERS_ME].map(|route| setup.mock.requests_at(route));
    assert_eq!((hops[0].len(), hops[1].len()), (1, 1));
    assert_eq!(hops[0][0].bearer(), hops[1][0].bearer());
}

#[tokio::test(start_paused = true)]
async fn outside_a_hop_to_a_foreign_origin_has_lost_its_organisation_and_is_refused() {
    let setup = setup().await;
    let foreign = MockGenesys::new();
    redirects(&setup, FOREIGN);
    let stack = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(GenesysLayer::per_request())
        .service(client(&setup, &foreign));
    let mut request = setup.get(USERS_PATH);
    request.extensions_mut().insert(setup.org.clone());
    let error = stack.oneshot(request).await.map(drop);
    let error = error.expect_err("the hop names no organisation");
    assert!(OriginError::find(&*error).is_some(), "{error}");
    assert_eq!((setup.mock.api_calls(), foreign.requests().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn outside_a_hop_without_its_organisation_is_refused_by_a_stack_per_request() {
    let setup = setup().await;
    redirects(&setup, "/api/v2/users/me");
    let stack = ServiceBuilder::new()
        .layer(without_extensions())
        .layer(GenesysLayer::per_request())
        .service(setup.mock.service());
    let mut request = setup.get(USERS_PATH);
    request.extensions_mut().insert(setup.org.clone());
    let error = stack.oneshot(request).await.map(drop);
    let error = error.expect_err("the hop names no organisation");
    let refused = OriginError::find(&*error).expect("it was refused");
    assert_eq!(refused.kind(), OriginErrorKind::NoAccount);
    assert!(error.to_string().contains("`Org`"), "{error}");
    assert_eq!((setup.mock.count(USERS), setup.mock.api_calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn outside_a_hop_without_extensions_goes_as_the_organisation_of_the_stack() {
    // Two organisations of one region, behind one host.
    let setup = setup().await;
    let other = MockGenesys::builder().seed(9).build();
    let named = org_of(&other);
    named.tokens().warm_up().await.expect("a token");
    redirects(&setup, "/api/v2/users/me");
    let good = named.tokens().token().await.expect("a token");
    setup.mock.accept_token(good.expose());
    setup.mock.on(USERS_ME).reply_status(StatusCode::OK);
    let request = |setup: &Setup| {
        let mut request: Request<Body> = setup.get(USERS_PATH);
        request.extensions_mut().insert(named.clone());
        request
    };
    let bearer_of_hop = |setup: &Setup| {
        let hops = setup.mock.requests_at(USERS_ME);
        hops.last().and_then(|hop| hop.bearer().map(str::to_owned))
    };
    let layer = GenesysLayer::new(&setup.org);
    let outside = ServiceBuilder::new()
        .layer(without_extensions())
        .layer(layer.clone())
        .service(setup.mock.service());
    outside.oneshot(request(&setup)).await.expect("no error");
    let default = setup.org.tokens().token().await.expect("a token");
    assert_eq!(bearer_of_hop(&setup).as_deref(), Some(default.expose()));

    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .service(setup.mock.service());
    let inside = ServiceBuilder::new().layer(layer).service(client);
    inside.oneshot(request(&setup)).await.expect("no error");
    let named = named.tokens().token().await.expect("a token");
    assert_eq!(bearer_of_hop(&setup).as_deref(), Some(named.expose()));
}
