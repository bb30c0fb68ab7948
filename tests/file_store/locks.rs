//! Locks that another process holds.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout};
use tower_genesys::{
    Sharing, TokenCache,
    store::{Lookup, SharedSource, StoreErrorKind, TokenStore},
    testing::MockGenesys,
    token::{IssuedToken, source_fn},
};

use crate::{
    fixtures::{mock_org, real_time::pass, running_child::Running},
    processes::start,
    setup::*,
};

/// A process that holds the lock.
fn locked(place: &Place) -> Running {
    let mut holder = start("lock", place);
    assert_eq!(holder.says(), "locked");
    holder
}

#[tokio::test]
async fn the_lock_of_a_killed_process_is_free() {
    let place = Place::new();
    let store = place.store();
    let mut holder = locked(&place);
    let (key, claim) = (key(), claim());
    let asked = timeout(Duration::from_millis(150), store.get_or_lease(&key, &claim)).await;
    assert!(asked.is_err(), "another process has the lock: {asked:?}");
    holder.kill();
    // The same owner asks, since the first operation may have been in progress.
    let asked = store.get_or_lease(&key, &claim).await;
    assert!(matches!(asked, Ok(Lookup::Leased(_))), "{asked:?}");
}

#[tokio::test]
async fn an_operation_that_waits_for_a_lock_gets_it_when_it_is_free() {
    let place = Place::new();
    let store = place.store();
    let mut holder = locked(&place);
    let (key, claim) = (key(), claim());
    let mut asked = store.get_or_lease(&key, &claim);
    assert!(
        timeout(Duration::from_millis(100), &mut asked)
            .await
            .is_err()
    );
    holder.kill();
    assert!(matches!(asked.await, Ok(Lookup::Leased(_))));
}

#[tokio::test]
async fn a_process_that_hangs_costs_a_second_and_an_error_that_says_so() {
    let place = Place::new();
    let store = place.store();
    let _holder = locked(&place);
    let begun = Instant::now();
    let (key, claim) = (key(), claim());
    let error = store.get_or_lease(&key, &claim).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("another process"), "{error}");
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_token_is_read_without_the_lock() {
    let place = Place::new();
    let store = place.store();
    put(&store, "token").await;
    let _holder = locked(&place);
    assert_eq!(token(&store).await.value, "token");
}

#[tokio::test]
async fn a_process_that_hangs_fails_no_request_of_another() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let org = mock_org::builder(&mock)
        .share(Sharing::unsealed(place.store()).with_namespace("other"))
        .build::<mock_org::Body>(mock.service())
        .unwrap();
    // The only lock in the directory belongs to this organisation.
    org.tokens().token().await.unwrap();
    let lock = place
        .names()
        .into_iter()
        .find(|name| name.ends_with(".lock"));
    let file = File::open(place.path().join(lock.unwrap())).unwrap();
    fs4::FileExt::lock(&file).unwrap();
    mock.revoke_all();
    let token = org.tokens().token().await.unwrap();
    use tower_genesys::token::TokenProvider;
    org.tokens().report_rejected(token.generation());
    let next = org.tokens().wait(token.generation()).await.unwrap();
    assert_ne!(next.expose(), token.expose());
    assert_eq!(mock.token_posts(), 2);
}

/// A busy disk may take longer than a server in the network may.
#[tokio::test]
async fn a_lock_that_is_held_for_a_moment_is_waited_for_and_costs_no_token() {
    let place = Place::new();
    let (store, asked) = (place.store(), Arc::new(AtomicUsize::new(0)));
    let process = || {
        let asked = Arc::clone(&asked);
        let source = source_fn(move |_cx| {
            let token = format!("token-{}", asked.fetch_add(1, Ordering::SeqCst));
            async move { Ok(IssuedToken::new(token, LIFE)) }
        });
        let sharing = Sharing::unsealed(store.clone());
        TokenCache::new(SharedSource::new(source, key(), sharing).unwrap())
    };
    let file = File::create(place.file("lock")).unwrap();
    fs4::FileExt::lock(&file).unwrap();
    let first = process();
    let (first, ()) = tokio::join!(first.token(), async {
        // Twice the time that a store in the network would get.
        pass(Duration::from_millis(300)).await;
        drop(file);
    });
    let second = process().token().await.unwrap();
    assert_eq!(first.unwrap().expose(), second.expose());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// An operation that gave up keeps neither a thread nor a place in a queue.
#[test]
fn three_hundred_operations_that_gave_up_delay_no_other() {
    let place = Place::new();
    let mut holder = locked(&place);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = place.store();
        let (key, claim) = (key(), claim());
        let given_up =
            (0..300).map(|_| timeout(Duration::from_millis(50), store.get_or_lease(&key, &claim)));
        let given_up = futures_util::future::join_all(given_up).await;
        assert!(given_up.iter().all(Result::is_err));
        holder.kill();
        // The same owner asks, since one operation may have been in progress.
        let asked = timeout(Duration::from_secs(1), store.get_or_lease(&key, &claim)).await;
        assert!(matches!(asked, Ok(Ok(Lookup::Leased(_)))), "{asked:?}");
    });
}
