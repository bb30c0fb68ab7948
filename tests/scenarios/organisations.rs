use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use tokio::time::Instant;
use tower::Layer;
use tower::{ServiceExt, service_fn};
use tower_genesys::{
    BoxError, CallOptions, GenesysLayer, Org, ReplayBody,
    bearer::{OriginError, OriginErrorKind},
    testing::{ANY_API, MockGenesys, USERS as USERS_ROUTE},
};

use crate::setup::{Body, Setup, USERS, setup_on};

/// Independent organisations, each with its own gateway.
fn organisations(n: u64) -> Vec<Setup> {
    let one = |k| {
        let base = format!("https://gw{k}.example");
        let region = tower_genesys::Region::custom(&base, &base).expect("a base URL");
        let mock = MockGenesys::builder()
            .region(region)
            .client(format!("id-{k}"), format!("secret-{k}"))
            .users(1)
            .seed(k)
            .build();
        setup_on(mock, |org| org)
    };
    (0..n).map(one).collect()
}

/// A client that reaches each of them by its host.
fn route(
    orgs: &[Setup],
) -> impl tower::Service<
    http::Request<ReplayBody<Body>>,
    Response = http::Response<tower_genesys::testing::MockBody>,
    Error = BoxError,
    Future: Send,
> + Clone
+ use<> {
    let orgs = orgs.to_vec();
    service_fn(move |request: http::Request<ReplayBody<Body>>| {
        let host = request.uri().host().unwrap_or_default();
        let at = |setup: &&Setup| setup.mock.region().api_host() == host;
        let service = orgs.iter().find(at).expect("one of them").mock.service();
        async move { service.oneshot(request).await.map_err(BoxError::from) }
    })
}

/// A request that names its organisation.
fn get_as(org: &Org) -> http::Request<Body> {
    let uri = org.api(USERS).expect("a path");
    let mut request = http::Request::get(uri)
        .body(Body::default())
        .expect("a request");
    request.extensions_mut().insert(org.clone());
    request
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_of_fifty_organisations_never_mix_their_tokens() {
    let orgs = organisations(50);
    let genesys = GenesysLayer::new(&orgs[0].org).layer(route(&orgs));
    // One token is revoked, one is revoked and throttled, and one organisation
    // fails once.
    for setup in &orgs[7..=8] {
        setup.org.tokens().warm_up().await.expect("a token");
        setup.mock.revoke_all();
    }
    orgs[8]
        .mock
        .on(USERS_ROUTE)
        .nth(3)
        .reply_429(Duration::from_secs(60));
    orgs[9].mock.on(USERS_ROUTE).nth(4).reply_503();

    let started = Instant::now();
    let mut rng = fastrand::Rng::with_seed(7);
    let calls = (0..10_000).map(|_| {
        let org = &orgs[rng.usize(..50)].org;
        let call = genesys.clone().oneshot(get_as(org));
        async move {
            (
                call.await.map(|response| response.status()),
                started.elapsed(),
            )
        }
    });
    let slow = |took: &Duration| *took > Duration::from_secs(30);
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|(status, _)| status.as_ref().is_ok_and(|s| *s == 200))
    );
    let held = answers.iter().filter(|(_, took)| slow(took)).count();
    let of_eight = orgs[8].mock.count(USERS_ROUTE);
    assert_eq!(
        (held, of_eight),
        (1, 237),
        "the retry of the 429 is held, and no request of another organisation"
    );

    let mut tokens = HashSet::new();
    for (k, setup) in orgs.iter().enumerate() {
        let expected = if k == 7 || k == 8 { 2 } else { 1 };
        assert_eq!(setup.mock.token_posts(), expected, "organisation {k}");
        let recorded = setup.mock.requests_at(ANY_API);
        let own: HashSet<_> = recorded.iter().filter_map(|sent| sent.bearer()).collect();
        assert_eq!(
            own.len(),
            expected,
            "organisation {k} was sent tokens of others"
        );
        for bearer in own {
            assert!(
                tokens.insert(bearer.to_owned()),
                "a token was sent to two organisations"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_of_one_organisation_delays_no_other() {
    let orgs = organisations(2);
    let genesys = GenesysLayer::new(&orgs[0].org).layer(route(&orgs));
    orgs[0]
        .mock
        .on(tower_genesys::testing::TOKEN)
        .never_answers();
    let send = |setup: &Setup| genesys.clone().oneshot(get_as(&setup.org));
    let stuck = tokio::spawn(send(&orgs[0]));
    let started = Instant::now();
    assert_eq!(send(&orgs[1]).await.expect("no error").status(), 200);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert!(stuck.await.expect("no panic").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_one_organisation_delays_no_other() {
    fastrand::seed(1);
    let orgs = organisations(3);
    let genesys = GenesysLayer::new(&orgs[0].org).layer(route(&orgs));
    orgs[1]
        .mock
        .on(USERS_ROUTE)
        .first(1)
        .reply_429(Duration::from_secs(100));
    let send = |setup: &Setup| genesys.clone().oneshot(get_as(&setup.org));
    let throttled = tokio::spawn(send(&orgs[1]));
    orgs[1].mock.wait_for(USERS_ROUTE, 1).await;
    let started = Instant::now();
    for setup in [&orgs[0], &orgs[2]] {
        assert_eq!(send(setup).await.expect("no error").status(), 200);
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(
        throttled
            .await
            .expect("no panic")
            .expect("no error")
            .status(),
        200
    );
    assert_eq!(started.elapsed().as_millis(), 104_952);
}

#[tokio::test(start_paused = true)]
async fn a_stack_per_request_keeps_the_pauses_of_organisations_apart() {
    fastrand::seed(1);
    let orgs = organisations(2);
    let genesys = GenesysLayer::per_request().layer(route(&orgs));
    let pause = orgs[0].mock.on(USERS_ROUTE).first(1);
    pause.reply_429(Duration::from_secs(100));
    let send = |request| genesys.clone().oneshot(request);
    let throttled = tokio::spawn(send(get_as(&orgs[0].org)));
    orgs[0].mock.wait_for(USERS_ROUTE, 1).await;
    tokio::time::sleep(Duration::from_millis(1)).await;

    let started = Instant::now();
    let other = send(get_as(&orgs[1].org)).await.expect("no error");
    assert_eq!(other.status(), 200);
    // A request that names no organisation is refused at once, unless it asks
    // for no token.
    let mut request = get_as(&orgs[0].org);
    request.extensions_mut().clear();
    let unnamed = send(request.clone()).await.map(drop);
    let refused = unnamed.expect_err("it has no account");
    let kind = OriginError::find(&*refused).map(OriginError::kind);
    assert_eq!(kind, Some(OriginErrorKind::NoAccount));
    request
        .extensions_mut()
        .insert(CallOptions::new().without_auth());
    let unsigned = send(request).await.expect("no error");
    assert_eq!(unsigned.status(), 401);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(orgs[0].mock.count(USERS_ROUTE), 2);

    let throttled = throttled.await.expect("no panic").expect("no error");
    assert_eq!(throttled.status(), 200);
    assert_eq!(started.elapsed().as_millis(), 103_377);
}

#[tokio::test(start_paused = true)]
async fn organisations_of_one_builder_share_nothing() {
    let mocks =
        ["id-a", "id-b"].map(|id| MockGenesys::builder().client(id, "secret").users(1).build());
    let settings = Org::builder(mocks[0].region());
    let orgs = [0, 1].map(|k| {
        let credentials = tower_genesys::Credentials::new(mocks[k].client_id(), "secret");
        let builder = settings
            .clone()
            .credentials(credentials.expect("well-formed"));
        builder
            .build::<Body>(mocks[k].service())
            .expect("the region is https")
    });
    mocks[0]
        .on(USERS_ROUTE)
        .first(1)
        .reply_429(Duration::from_secs(100));
    let send = |k: usize| {
        let uri = orgs[k].api(USERS).expect("a path");
        let request = http::Request::get(uri)
            .body(Body::default())
            .expect("a request");
        GenesysLayer::new(&orgs[k])
            .layer(mocks[k].service())
            .oneshot(request)
    };
    let throttled = tokio::spawn(send(0));
    mocks[0].wait_for(USERS_ROUTE, 1).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let started = Instant::now();
    assert_eq!(send(1).await.expect("no error").status(), 200);
    assert_eq!(started.elapsed(), Duration::ZERO);
    throttled.abort();
}
