use std::time::Duration;

use tower_genesys::{
    ApiError,
    testing::{MockGenesys, USERS as USERS_ROUTE},
};

use crate::setup::{TOKENS_ME, USERS, setup, setup_on};

#[tokio::test(start_paused = true)]
async fn a_403_names_the_permission_that_is_missing_and_renews_nothing() {
    let setup = setup();
    let message = "Unable to perform the requested action. You are missing the following \
                   permission(s): [directory:user:view]";
    setup
        .mock
        .on(USERS_ROUTE)
        .reply_403("missing.permissions", message);
    let response = setup.send(setup.get(USERS)).await.expect("no error");
    let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
    assert_eq!(error.code(), Some("missing.permissions"));
    assert_eq!(
        error.missing_permissions().collect::<Vec<_>>(),
        ["directory:user:view"]
    );
    assert!(error.to_string().contains("directory:user:view"), "{error}");
    assert!(error.context_id().is_some());
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.count(USERS_ROUTE)),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_429_that_is_not_waited_for_names_the_limit() {
    let setup = setup();
    setup
        .mock
        .on(USERS_ROUTE)
        .reply_429(Duration::from_secs(7200));
    let response = setup.send(setup.get(USERS)).await.expect("no error");
    let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
    assert_eq!(error.status(), 429);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7200)));
    assert!(
        error.limit().is_some_and(|limit| limit.key().is_some()),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_token_is_waited_out_not_dodged_with_another_token() {
    let mock = MockGenesys::builder().users(1).rate_limit(10).build();
    let setup = setup_on(mock, |org| org);
    for _ in 0..25 {
        assert_eq!(setup.status(TOKENS_ME).await.expect("no error"), 200);
    }
    assert_eq!(
        setup.mock.token_posts(),
        1,
        "each token has a limit of its own: tempting"
    );
}
