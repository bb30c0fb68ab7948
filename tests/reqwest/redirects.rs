use http::{HeaderMap, HeaderValue, Method, StatusCode, header::LOCATION};
use reqwest::Client;
use tower_genesys::{
    reqwest::HttpService,
    testing::{CREATE_USER, MockGenesys, Route, Script, USERS, USERS_ME},
};

use crate::setup::{Setup, setup, setup_as_it_comes};

fn to(mock: &MockGenesys, route: Route, status: StatusCode, location: &str) -> Script {
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, HeaderValue::from_str(location).expect("a URL"));
    mock.on(route).reply(status, headers, "")
}

async fn send(setup: &Setup, method: Method, body: &'static str) -> reqwest::Response {
    let request = setup.client.request(method, setup.url("/api/v2/users"));
    let request = request.body(body).build().expect("a request");
    setup.genesys.execute(request).await.expect("no error")
}

#[tokio::test]
async fn from_builder_follows_no_redirect() {
    let setup = setup().await;
    to(&setup.mock, USERS, StatusCode::FOUND, "/api/v2/users/me");
    let response = send(&setup, Method::GET, "").await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(
        (setup.mock.count(USERS), setup.mock.count(USERS_ME)),
        (1, 0)
    );
}

#[tokio::test]
async fn from_builder_replaces_the_redirect_policy_of_the_builder() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.expect("a loopback port is free");
    to(&mock, USERS, StatusCode::FOUND, "/api/v2/users/me").to_anyone();
    let builder = Client::builder().redirect(reqwest::redirect::Policy::limited(5));
    let client = HttpService::from_builder(builder).expect("it has no TLS");
    let url = format!("{}/api/v2/users", server.url());
    let response = client.get_ref().get(url).send().await.expect("no error");
    assert_eq!(response.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn reqwest_follows_a_redirect_on_the_same_origin_with_the_token() {
    let setup = setup_as_it_comes(|builder| builder).await;
    to(&setup.mock, USERS, StatusCode::FOUND, "/api/v2/users/me");
    let response = send(&setup, Method::GET, "").await;
    assert!(
        response.url().path().ends_with("/users/me"),
        "the response has the last URL"
    );
    assert_eq!((setup.mock.count(USERS_ME), setup.sends()), (1, 1));
    let hops = setup.mock.requests_at(USERS_ME);
    assert_eq!(hops[0].bearer(), setup.mock.requests_at(USERS)[0].bearer());
}

#[tokio::test]
async fn reqwest_follows_no_redirect_with_a_body() {
    let setup = setup_as_it_comes(|builder| builder).await;
    to(
        &setup.mock,
        CREATE_USER,
        StatusCode::TEMPORARY_REDIRECT,
        "/api/v2/users/me",
    );
    let response = send(&setup, Method::POST, "{}").await;
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(setup.mock.api_calls(), 1);

    to(
        &setup.mock,
        CREATE_USER,
        StatusCode::SEE_OTHER,
        "/api/v2/users/me",
    );
    send(&setup, Method::POST, "{}").await;
    assert_eq!(setup.mock.count(USERS_ME), 1, "a 303 leads to a GET");
}

#[tokio::test]
async fn a_401_from_a_foreign_origin_costs_a_renewal_only_if_reqwest_follows_redirects() {
    let foreign = MockGenesys::new();
    let server = foreign.serve().await.expect("a loopback port is free");
    let there = format!("{}/api/v2/users/me", server.url());

    let setup = setup_as_it_comes(|builder| builder).await;
    to(&setup.mock, USERS, StatusCode::FOUND, &there);
    let response = send(&setup, Method::GET, "").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let hops = foreign.requests();
    assert_eq!(hops.len(), 2);
    assert!(
        hops.iter()
            .all(|hop| !hop.headers().contains_key("authorization"))
    );
    setup.org.tokens().token().await.expect("a token");
    assert_eq!((setup.sends(), setup.mock.token_posts()), (2, 3));

    let setup = crate::setup::setup().await;
    to(&setup.mock, USERS, StatusCode::FOUND, &there);
    let response = send(&setup, Method::GET, "").await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(
        (setup.sends(), setup.mock.token_posts(), foreign.api_calls()),
        (1, 1, 2)
    );
}

/// The API has carried out the request before it redirects.
#[tokio::test]
async fn a_post_whose_redirect_leads_to_a_closed_port_is_sent_once() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}/", listener.local_addr().expect("it has one"))
    };
    let setup = setup_as_it_comes(|builder| builder).await;
    to(&setup.mock, CREATE_USER, StatusCode::SEE_OTHER, &closed);
    let request = setup.client.post(setup.url("/api/v2/users"));
    let request = request.body("{}").build().expect("a request");
    let error = setup.genesys.execute(request).await.expect_err("no host");
    assert_eq!(setup.mock.count(CREATE_USER), 1, "{error}");
}
