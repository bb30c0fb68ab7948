//! Do an organisation and a client follow the environment? The tests run in
//! child processes, because a test cannot change its own environment safely.

use std::env;

use http::Request;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, Client, Credentials, GenesysLayer, Org, Region, ReplayBody, Sharing,
    genesys::ConfigErrorKind, store::MemoryStore, testing::MockGenesys,
};

#[path = "fixtures/mod.rs"]
mod fixtures;

use fixtures::{
    child_process::{command, output},
    mock_org::Body,
};

const IS_CHILD: &str = "TOWER_GENESYS_TEST_CHILD";
const VARIABLES: [(&str, &str); 3] = [
    ("GENESYSCLOUD_OAUTHCLIENT_ID", "an-id"),
    ("GENESYS_CLIENT_SECRET", "s3cr3t"),
    ("GENESYS_REGION", "mypurecloud.ie"),
];

/// Runs one test of this file in a child process, with these variables and no
/// other `GENESYS` ones.
fn succeeds<R>(test: impl Fn() -> R, variables: &[(&str, &str)]) -> bool {
    let mut child = command(test);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("GENESYS") {
            child.env_remove(name);
        }
    }
    child.env(IS_CHILD, "1").envs(variables.iter().copied());
    output(&mut child).status.success()
}

#[tokio::test(start_paused = true)]
async fn an_organisation_from_the_environment_can_share_its_token() -> Result<(), BoxError> {
    if env::var_os(IS_CHILD).is_none() {
        assert!(succeeds(
            an_organisation_from_the_environment_can_share_its_token,
            &VARIABLES
        ));
        return Ok(());
    }
    let mock = MockGenesys::builder().client("an-id", "s3cr3t").build();
    let store = MemoryStore::new();
    for _ in 0..2 {
        let sharing = Sharing::unsealed(store.clone());
        let builder = Org::builder_from_env()?.share(sharing);
        let org = builder.build::<Body>(mock.service())?;
        assert_eq!(org.region(), &Region::EU_WEST_1);
        org.tokens().warm_up().await?;
    }
    assert_eq!(mock.token_posts(), 1, "both share one token");
    let alone = Org::from_env::<Body>(mock.service())?;
    alone.tokens().warm_up().await?;
    assert_eq!(mock.token_posts(), 2, "the third has its own");
    Ok(())
}

#[test]
fn a_variable_that_is_missing_is_named_before_anything_is_built() {
    if env::var_os(IS_CHILD).is_none() {
        let test = a_variable_that_is_missing_is_named_before_anything_is_built;
        assert!(succeeds(test, &VARIABLES[..2]));
        return;
    }
    let error = Org::builder_from_env().map(drop).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Variable);
    assert!(error.to_string().contains("GENESYS_REGION"), "{error}");
}

/// As in a trial deployment: the program does not know that its server is a
/// mock.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_alone_points_a_program_at_a_mock() -> Result<(), BoxError> {
    if env::var_os(IS_CHILD).is_some() {
        return program().await;
    }
    let mock = MockGenesys::builder().client("an-id", "s3cr3t").build();
    let server = mock.serve().await?;
    let place = [
        ("GENESYS_LOGIN_URL", server.url()),
        ("GENESYS_API_URL", server.url()),
        ("GENESYS_ALLOW_LOOPBACK", "1"),
    ];
    let test = the_environment_alone_points_a_program_at_a_mock;
    assert!(succeeds(test, &[&VARIABLES[..], &place].concat()));
    assert_eq!((mock.token_posts(), mock.api_calls()), (1, 1));
    assert!(!succeeds(test, &[&VARIABLES[..], &place[..2]].concat()));
    assert_eq!(mock.token_posts(), 1);
    Ok(())
}

async fn program() -> Result<(), BoxError> {
    let client: Client<ReplayBody<Body>> = Client::new()?;
    let org = Org::from_env(client.clone())?;
    let genesys = GenesysLayer::new(&org).layer(client);
    let request = Request::get(org.api("/api/v2/users")?).body(Body::default())?;
    assert_eq!(genesys.oneshot(request).await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn an_error_says_that_the_client_must_allow_loopback_too() -> Result<(), BoxError> {
    let mock = MockGenesys::new();
    let server = mock.serve().await?;
    let strict: Client<ReplayBody<Body>> = Client::builder().without_proxy().build()?;
    let builder = || {
        let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
        Ok::<_, BoxError>(Org::builder(server.region()).credentials(credentials))
    };
    let error = builder()?.build(strict.clone()).unwrap_err();
    for place in [
        "OrgBuilder::allow_loopback",
        "ClientBuilder::allow_loopback",
    ] {
        assert!(error.to_string().contains(place), "{error}");
    }
    let org = builder()?.allow_loopback().build(strict)?;
    let error = org.tokens().token().await.unwrap_err();
    assert!(
        error.to_string().contains("ClientBuilder::allow_loopback"),
        "{error}"
    );
    assert_eq!(mock.token_posts(), 0);
    Ok(())
}
