//! A new login replaces the refresh token.

use std::pin::pin;

use futures_util::FutureExt;
use tower_genesys::{
    genesys::grants::LoginCode,
    testing::{MockGenesys, TOKEN},
    token::TokenErrorKind,
};

use crate::setup::{CALLBACK, Store, failure, fetch, kind, refreshing, sent};

#[tokio::test(start_paused = true)]
async fn a_new_login_is_stored_and_used() {
    let mock = MockGenesys::new();
    let store = Store::default();
    let source = refreshing(&mock, mock.service()).with_store(store.clone());
    let login = source.handle();
    mock.on(TOKEN).once().reset();
    assert_eq!(kind(&source).await, TokenErrorKind::LoginRequired);
    assert!(login.is_login_required());

    let next = mock.issue_refresh_token();
    login.replace(next.clone());
    assert!(!login.is_login_required());
    fetch(&source).await.unwrap();
    assert_eq!(sent(&mock, "refresh_token")[1], next);
    assert_eq!((store.tokens().len(), &store.tokens()[0]), (2, &next));

    login.replace_code(LoginCode::new(mock.issue_code(CALLBACK), CALLBACK));
    fetch(&source).await.unwrap();
    fetch(&source).await.unwrap();
    assert_eq!((mock.token_posts(), sent(&mock, "code").len()), (4, 1));
    assert_eq!(store.tokens().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_of_the_old_login_in_flight_changes_nothing() {
    for breaks in [false, true] {
        let mock = MockGenesys::new();
        let store = Store::default();
        let source = refreshing(&mock, mock.service()).with_store(store.clone());
        if breaks {
            mock.on(TOKEN).once().reset();
        }
        let held = mock.hold(TOKEN);
        let mut old = pin!(fetch(&source));
        assert!(old.as_mut().now_or_never().is_none());
        let next = mock.issue_refresh_token();
        source.handle().replace(next.clone());
        held.release();
        assert_eq!(old.await.unwrap_err().kind(), TokenErrorKind::Busy);
        assert!(store.tokens().is_empty(), "the old login is not stored");
        fetch(&source).await.unwrap();
        assert_eq!(sent(&mock, "refresh_token")[1], next);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_replaced_during_a_store_operation_is_stored_last() {
    let mock = MockGenesys::new();
    let store = Store::default();
    let source = refreshing(&mock, mock.service()).with_store(store.clone());
    let mut old = pin!(fetch(&source));
    assert!(old.as_mut().now_or_never().is_none());
    assert_eq!(store.calls(), 1);
    let next = mock.issue_refresh_token();
    source.handle().replace(next.clone());
    assert_eq!(old.await.unwrap_err().kind(), TokenErrorKind::Busy);
    store.fail(1);
    let error = failure(&source).await;
    assert_eq!(
        (error.kind(), mock.token_posts()),
        (TokenErrorKind::NotPersisted, 1)
    );
    fetch(&source).await.unwrap();
    assert_eq!(store.tokens()[1], next, "the newest is stored last");
    assert_eq!(sent(&mock, "refresh_token")[1], next);
}
