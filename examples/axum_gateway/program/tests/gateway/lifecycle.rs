use std::{collections::BTreeMap, time::Duration};

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use tower::ServiceExt;
use tower_genesys::{
    Credentials, Org, ReplayBody,
    testing::{MockGenesys, TOKEN, USERS},
};

use crate::setup::{Setup, client, setup, setup_on, text};
use crate::{gateway::Gateway, serve::readiness};

const PATH: &str = "/orgs/acme/api/v2/users";

async fn ready(setup: &Setup) -> (StatusCode, String) {
    let response = setup.send(setup.get("/ready")).await;
    (response.status(), text(response).await)
}

async fn ready_when(setup: &Setup, status: StatusCode) -> String {
    let polled = async {
        loop {
            let (now, text) = ready(setup).await;
            if now == status {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let polled = tokio::time::timeout(Duration::from_secs(20), polled).await;
    polled.expect("it comes to that")
}

#[tokio::test]
async fn it_is_ready_when_all_organisations_have_a_token_and_needs_no_caller_for_it() {
    let mocks = [1, 2].map(|seed| MockGenesys::builder().seed(seed).build());
    let held = mocks[1].hold(TOKEN);
    let setup = setup_on(mocks).await;
    setup.mocks[1].wait_for(TOKEN, 1).await;
    setup.orgs["acme"]
        .tokens()
        .warm_up()
        .await
        .expect("a token");
    let (status, text) = ready(&setup).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        text,
        "acme: ready, 0 failures\nglobex: no token, 0 failures\n"
    );
    held.release();
    let text = ready_when(&setup, StatusCode::OK).await;
    assert_eq!(text, "acme: ready, 0 failures\nglobex: ready, 0 failures\n");
    assert_eq!(setup.mocks.each_ref().map(MockGenesys::token_posts), [1, 1]);
}

/// The probe without a server, on a paused clock.
#[tokio::test(start_paused = true)]
async fn it_stays_ready_while_renewals_fail_for_as_long_as_the_token_is_good() {
    let mock = MockGenesys::new();
    let credentials = Credentials::new(mock.client_id(), mock.client_secret());
    let org = Org::builder(mock.region())
        .credentials(credentials.expect("well-formed"))
        .build::<ReplayBody<Body>>(mock.service())
        .expect("the region is https");
    let gateway = Gateway::new(client(), BTreeMap::from([("acme".to_owned(), org.clone())]));
    let routes = Router::new().route("/", readiness(gateway));
    let ready = async || {
        let request = Request::get("/").body(Body::empty()).expect("a request");
        routes
            .clone()
            .oneshot(request)
            .await
            .expect("no error")
            .status()
    };
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
    org.tokens().warm_up().await.expect("a token");
    let _warm = org.tokens().keep_warm().expect("a runtime");
    assert_eq!(ready().await, StatusCode::OK);
    mock.on(TOKEN).reply_503();
    // Within the last ten minutes of the token's lifetime of a day.
    tokio::time::sleep(Duration::from_secs(86_400 - 300)).await;
    assert!(org.tokens().status().failures > 0);
    assert_eq!(ready().await, StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
    mock.clear_script();
    tokio::time::sleep(Duration::from_secs(180)).await;
    assert_eq!(ready().await, StatusCode::OK, "it recovers by itself");
}

#[tokio::test]
async fn it_is_not_ready_when_there_is_no_token_to_be_had() {
    let mocks = [1, 2].map(|seed| MockGenesys::builder().seed(seed).build());
    mocks[0].disable_client();
    let setup = setup_on(mocks).await;
    assert_eq!(setup.status(PATH).await, StatusCode::SERVICE_UNAVAILABLE);
    let (status, text) = ready(&setup).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.starts_with("acme: no token, 1 failures\n"), "{text}");
    assert!(!text.contains("client"), "no reason is shown: {text}");
    // The other organisation is still served.
    assert_eq!(
        setup.status("/orgs/globex/api/v2/users").await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn shutdown_ends_what_is_under_way_and_closes_the_tokens() {
    let mut setup = setup().await;
    setup.warm().await;
    let held = setup.mocks[0].hold(USERS);
    let stop = setup.stop.take().expect("it was not stopped");
    let stopping = async {
        setup.mocks[0].wait_for(USERS, 1).await;
        drop(stop);
        // The port accepts no more connections.
        let closed = async {
            let address = setup.url.trim_start_matches("http://");
            while tokio::net::TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let closed = tokio::time::timeout(Duration::from_secs(20), closed).await;
        closed.expect("the port is closed");
        held.release();
    };
    let (response, ()) = tokio::join!(setup.send(setup.get(PATH)), stopping);
    assert_eq!(response.status(), StatusCode::OK);
    text(response).await;
    let served = tokio::time::timeout(Duration::from_secs(20), &mut setup.serving).await;
    served
        .expect("it ends")
        .expect("no panic")
        .expect("no error");
    for org in setup.orgs.values() {
        assert!(org.tokens().status().closed);
    }
    assert_eq!(setup.mocks.each_ref().map(MockGenesys::token_posts), [1, 1]);
}
