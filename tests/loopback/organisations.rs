use futures_util::future::join_all;
use http::StatusCode;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    GenesysLayer,
    testing::{MockGenesys, USERS},
};

use crate::{
    fixtures::mock_org::{get, served_org},
    setup::{Version, client},
};

#[tokio::test]
async fn two_organisations_share_a_stack_and_nothing_else() {
    let mocks = [
        MockGenesys::builder().seed(1).build(),
        MockGenesys::builder().seed(2).build(),
    ];
    let client = client(Version::Http1);
    let mut servers = Vec::new();
    let mut orgs = Vec::new();
    for mock in &mocks {
        let server = mock.serve().await.expect("a loopback port is free");
        orgs.push(served_org(mock, &server, client.clone()));
        servers.push(server);
    }
    // The stack belongs to the first organisation, and a request may name
    // another one.
    let genesys = GenesysLayer::new(&orgs[0]).layer(client);
    orgs[1].tokens().token().await.expect("a token");
    mocks[1].revoke_all();

    let calls = (0..40).map(|n| {
        let org = &orgs[n % 2];
        let mut request = get(org, "/api/v2/users");
        if n % 2 == 1 {
            request.extensions_mut().insert(org.clone());
        }
        genesys.clone().oneshot(request)
    });
    for response in join_all(calls).await {
        assert_eq!(response.expect("no error").status(), StatusCode::OK);
    }
    assert_eq!(mocks[0].token_posts(), 1);
    assert_eq!(
        mocks[1].token_posts(),
        2,
        "the revoked one, and one for all requests"
    );
    assert_eq!(mocks[0].count(USERS), 20);
    let bearers = |mock: &MockGenesys| {
        let requests = mock.requests_at(USERS);
        requests
            .iter()
            .filter_map(|sent| sent.bearer().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let first = bearers(&mocks[0]);
    assert!(
        bearers(&mocks[1])
            .iter()
            .all(|bearer| !first.contains(bearer))
    );
}
