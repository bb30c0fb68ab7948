//! Tokens that the program revokes: at the service, in the store, and in every
//! process.

use std::sync::Arc;

use tower::ServiceExt;
use tower_genesys::{
    GenesysLayer, Org, Sharing,
    store::{Fault, MemoryStore, Operation, StoreErrorKind},
    testing::{MockGenesys, Route, USERS},
    token::{TokenErrorKind, TokenProvider},
};

use crate::{
    fixtures::mock_org::{self, Body, USERS_PATH, get},
    setup::{ring, settle},
};

const REVOCATION: fn() -> Route = || Route::new(http::Method::DELETE, "/api/v2/tokens/me");

fn org(mock: &MockGenesys, sharing: Option<Sharing>) -> Org {
    let builder = mock_org::builder(mock);
    let builder = match sharing {
        Some(sharing) => builder.share(sharing),
        None => builder,
    };
    builder.build::<Body>(mock.service()).unwrap()
}

fn sharing(store: &MemoryStore) -> Sharing {
    Sharing::sealed(store.clone(), ring(&[("key", 1)]))
}

/// The status of a request that a process sends.
async fn ask(mock: &MockGenesys, org: &Org) -> u16 {
    let genesys = tower::Layer::layer(&GenesysLayer::new(org), mock.service());
    let response = genesys.oneshot(get(org, USERS_PATH)).await;
    response.unwrap().status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_gone_everywhere_and_the_next_request_gets_another() {
    let mock = MockGenesys::new();
    let org = org(&mock, None);
    let token = org.tokens().token().await.unwrap();
    org.revoke().await.unwrap();
    assert_eq!((mock.live_tokens(), mock.count(REVOCATION())), (0, 1));
    assert!(org.tokens().try_current().is_none() && !org.tokens().status().is_ready());

    assert_eq!(ask(&mock, &org).await, 200);
    let next = org.tokens().token().await.unwrap();
    assert!(next.generation() > token.generation());
    assert_eq!(
        (mock.token_posts(), mock.count(USERS)),
        (2, 1),
        "without a 401"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_revocation_sends_nothing() {
    let mock = MockGenesys::new();
    org(&mock, None).revoke().await.unwrap();
    org(&mock, Some(sharing(&MemoryStore::new())))
        .revoke()
        .await
        .unwrap();
    assert_eq!((mock.token_posts(), mock.api_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_shared_token_ends_for_all_and_all_share_the_next_one() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let orgs: Vec<_> = (0..10).map(|_| org(&mock, Some(sharing(&store)))).collect();
    for org in &orgs {
        org.tokens().warm_up().await.unwrap();
    }
    orgs[0].revoke().await.unwrap();
    assert_eq!((mock.live_tokens(), store.keys().len()), (0, 0));
    assert_eq!(mock.count(REVOCATION()), 1);

    // A process that starts now never gets the old token.
    let newcomer = org(&mock, Some(sharing(&store)));
    assert_eq!(ask(&mock, &newcomer).await, 200);
    assert_eq!((mock.token_posts(), mock.count(USERS)), (2, 1));
    for org in &orgs {
        assert_eq!(ask(&mock, org).await, 200);
    }
    assert_eq!((mock.token_posts(), mock.live_tokens()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_only_revokes_ends_the_token_in_the_store() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    org(&mock, Some(sharing(&store)))
        .tokens()
        .warm_up()
        .await
        .unwrap();
    assert_eq!((mock.live_tokens(), store.keys().len()), (1, 1));
    org(&mock, Some(sharing(&store))).revoke().await.unwrap();
    assert_eq!((mock.live_tokens(), store.keys().len()), (0, 0));
    assert_eq!(mock.token_posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_also_ends_the_newer_token_of_another_process() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let (one, other) = (
        org(&mock, Some(sharing(&store))),
        org(&mock, Some(sharing(&store))),
    );
    one.tokens().warm_up().await.unwrap();
    let first = other.tokens().token().await.unwrap().generation();
    other.tokens().invalidate();
    other.tokens().wait(first).await.unwrap();
    assert_eq!(mock.live_tokens(), 2);
    one.revoke().await.unwrap();
    assert_eq!((mock.live_tokens(), store.keys().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_revocation_says_what_is_left_and_can_be_repeated() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let org = org(&mock, Some(sharing(&store)));
    org.tokens().warm_up().await.unwrap();

    // The service fails: nothing has changed.
    mock.on(REVOCATION())
        .nth(1)
        .reply_status(http::StatusCode::SERVICE_UNAVAILABLE);
    let error = org.revoke().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Unavailable);
    assert!(error.to_string().contains("still valid"), "{error}");
    assert!(error.correlation_id().is_some());
    assert!(org.tokens().try_current().is_some());
    assert_eq!((mock.live_tokens(), store.keys().len()), (1, 1));

    mock.on(REVOCATION()).nth(2).reset();
    let error = org.revoke().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Transport);
    assert!(org.tokens().try_current().is_some());

    // The store fails: the token has ended, and this process discards it.
    store.inject_all(Fault::Fail(StoreErrorKind::Unavailable));
    let error = org.revoke().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Store);
    assert!(
        error
            .to_string()
            .contains("could not be removed from the store")
    );
    assert!(org.tokens().try_current().is_none());
    assert_eq!((mock.live_tokens(), store.keys().len()), (0, 1));

    store.clear_faults();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    org.revoke().await.unwrap();
    assert_eq!(store.keys().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_without_an_answer_times_out() {
    let mock = MockGenesys::new();
    let org = org(&mock, None);
    org.tokens().warm_up().await.unwrap();
    mock.on(REVOCATION()).never_answers();
    let begun = tokio::time::Instant::now();
    let error = org.revoke().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::TimedOut);
    assert_eq!(begun.elapsed(), std::time::Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_already_ended_counts_as_revoked() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let org = org(&mock, Some(sharing(&store)));
    org.tokens().warm_up().await.unwrap();
    mock.revoke_all();
    org.revoke().await.unwrap();
    assert!(store.keys().is_empty() && org.tokens().try_current().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_dropped_gives_its_lease_back() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let org = Arc::new(org(&mock, Some(sharing(&store))));
    org.tokens().warm_up().await.unwrap();
    store.inject(Operation::Publish, Fault::Hang);
    let revoking = tokio::time::timeout(std::time::Duration::from_millis(100), org.revoke());
    assert!(revoking.await.is_err());
    store.clear_faults();
    settle().await;
    assert_eq!(store.calls(Operation::Abandon), 1);
    assert_eq!(ask(&mock, &org).await, 200);
}

#[tokio::test]
async fn a_custom_source_without_revocation_is_an_error_and_the_token_stays() {
    let day = std::time::Duration::from_secs(86_400);
    let source = tower_genesys::token::source_fn(move |_cx| async move {
        Ok(tower_genesys::token::IssuedToken::new("s3cr3t", day))
    });
    let org = Org::builder(tower_genesys::Region::EU_WEST_1);
    let org = org.build_from_source(source).unwrap();
    org.revoke().await.unwrap();
    org.tokens().warm_up().await.unwrap();
    let error = org.revoke().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::NotRevocable);
    assert!(error.to_string().contains("TokenSource::revoke"), "{error}");
    assert!(org.tokens().try_current().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lease_without_a_limit_overflows_nothing() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let endless = sharing(&store).with_lease(std::time::Duration::MAX);
    let org = org(&mock, Some(endless));
    org.tokens().warm_up().await.unwrap();
    org.revoke().await.unwrap();
    assert!(store.keys().is_empty());
}
