use super::*;

/// Checks that only its owner ends a lease.
pub async fn only_the_owner_ends_a_lease(store: &impl TokenStore) {
    let (key, mine) = (fresh_key(), claim());
    let held = lease(store, &key, &mine).await;
    let forged = Lease::new(owner(), held.fence);
    abandon(store, &key, &forged, None).await;
    let found = look_up(store, &key, &claim()).await;
    assert!(matches!(found, Lookup::Busy(_)), "not its owner: {found:?}");
    abandon(store, &key, &held, None).await;
    lease(store, &key, &claim()).await;
}

/// Checks that no claim gets a lease during a cooldown, not even one of its
/// owner, and that one does afterwards.
pub async fn a_cooldown_holds_for_all_and_ends(store: &impl TokenStore) {
    let (key, mine) = (fresh_key(), claim());
    let held = lease(store, &key, &mine).await;
    abandon(store, &key, &held, Some(SHORT * 8)).await;
    for claim in [&mine, &claim()] {
        match look_up(store, &key, claim).await {
            Lookup::Cooldown(left) => assert!(left <= SHORT * 8, "{left:?}"),
            other => panic!("the cooldown should refuse a lease: {other:?}"),
        }
    }
    let found = until(store, &key, &mine, |found| {
        matches!(found, Lookup::Leased(_))
    })
    .await;
    let Lookup::Leased(next) = found else { return };
    assert!(next.fence > held.fence);
}

/// Checks that a second cooldown extends the first one, and never shortens it.
pub async fn a_cooldown_never_gets_shorter(store: &impl TokenStore) {
    // The store grants one lease at a time. The one abandoned last asks for a
    // shorter cooldown.
    let (key, mut first) = (fresh_key(), claim());
    first.lease = LONG;
    let held = lease(store, &key, &first).await;
    abandon(store, &key, &held, Some(LONG)).await;
    abandon(store, &key, &held, Some(SHORT)).await;
    match look_up(store, &key, &claim()).await {
        Lookup::Cooldown(left) => assert!(left > LONG / 2, "it got shorter: {left:?}"),
        other => panic!("it is gone: {other:?}"),
    }
}

/// Checks that an owner without its lease cannot set a cooldown.
pub async fn no_cooldown_without_the_lease(store: &impl TokenStore) {
    let (key, mut mine) = (fresh_key(), claim());
    mine.lease = SHORT;
    let held = lease(store, &key, &mine).await;
    let other = claim();
    let found = until(store, &key, &other, |found| {
        matches!(found, Lookup::Leased(_))
    })
    .await;
    let Lookup::Leased(next) = found else { return };
    abandon(store, &key, &held, Some(LONG)).await;
    let found = look_up(store, &key, &claim()).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "the next one's lease: {found:?}"
    );
    abandon(store, &key, &next, None).await;
    let found = look_up(store, &key, &claim()).await;
    assert!(matches!(found, Lookup::Leased(_)), "no cooldown: {found:?}");
}

/// Checks that the store returns an acceptable token during a cooldown.
pub async fn a_cooldown_does_not_hide_an_entry(store: &impl TokenStore) {
    let key = fresh_key();
    let put = put(store, &key, "token").await;
    let mut wants = claim();
    wants.at_least = put.fence.next();
    let held = lease(store, &key, &wants).await;
    abandon(store, &key, &held, Some(LONG)).await;
    assert_eq!(token(store, &key, &claim()).await.fence, put.fence);
    let found = look_up(store, &key, &wants).await;
    assert!(matches!(found, Lookup::Cooldown(_)), "{found:?}");
}
