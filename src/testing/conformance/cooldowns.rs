use super::*;

/// A lease is ended by its owner, and by nobody else.
///
/// An example: [`store_conformance`](crate::store_conformance).
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

/// While a cooldown lasts nobody is granted a lease, not even who has asked for it; then one is.
///
/// An example: [`store_conformance`](crate::store_conformance).
pub async fn a_cooldown_holds_for_all_and_ends(store: &impl TokenStore) {
    let (key, mine) = (fresh_key(), claim());
    let held = lease(store, &key, &mine).await;
    abandon(store, &key, &held, Some(SHORT * 8)).await;
    for claim in [&mine, &claim()] {
        match look_up(store, &key, claim).await {
            Lookup::Cooldown(left) => assert!(left <= SHORT * 8, "{left:?}"),
            other => panic!("nobody gets a lease: {other:?}"),
        }
    }
    let found = until(store, &key, &mine, |found| {
        matches!(found, Lookup::Leased(_))
    })
    .await;
    let Lookup::Leased(next) = found else { return };
    assert!(next.fence > held.fence);
}

/// A second cooldown makes the first one longer, or nothing.
///
/// An example: [`store_conformance`](crate::store_conformance).
pub async fn a_cooldown_never_gets_shorter(store: &impl TokenStore) {
    // Two leases at a time cannot be had; the one that is given up last asks for less.
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

/// Who has no lease any more has no say.
///
/// An example: [`store_conformance`](crate::store_conformance).
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

/// A token that will do is handed out whatever the token endpoint has asked for.
///
/// An example: [`store_conformance`](crate::store_conformance).
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
