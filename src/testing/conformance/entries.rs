//! The checks of a token in the store: which publication stays, who gets it, and
//! for how long.

use tokio::time::sleep;

use super::*;

/// Checks that the store returns an entry to each claim that accepts it, and to
/// no other.
///
/// A claim refuses a token that is too old, too short-lived, or refused by the
/// API. If the store returned it anyway, the process would never get a new one.
pub async fn an_acceptable_entry_is_returned(store: &impl TokenStore) {
    let key = fresh_key();
    let put = put(store, &key, "token").await;
    let mut wants = claim();
    wants.at_least = put.fence;
    wants.min_remaining = LONG / 10;
    wants.rejected = Some(Fingerprint::of("another"));
    let found = token(store, &key, &wants).await;
    check_same(&found, &put);

    // A claim never requires more than a fifth of the lifetime.
    wants.min_remaining = LONG * 10;
    token(store, &key, &wants).await;

    let refuses: [fn(&mut Claim, &Entry); 2] = [
        |claim, entry| claim.at_least = entry.fence.next(),
        |claim, entry| claim.rejected = Some(entry.fingerprint),
    ];
    for refuse in refuses {
        let mut wants = claim();
        refuse(&mut wants, &put);
        let next = lease(store, &key, &wants).await;
        assert!(
            next.fence > put.fence,
            "a fence must be above that of the token: {next:?} after {put:?}"
        );
        abandon(store, &key, &next, None).await;
    }
    let short_lived = fresh_key();
    let next = lease(store, &short_lived, &claim()).await;
    let short = Entry {
        remaining: LONG / 10,
        ..entry(next.fence, "short")
    };
    publish(store, &short_lived, &next, &short).await;
    let mut wants = claim();
    wants.min_remaining = LONG / 6;
    lease(store, &short_lived, &wants).await;
    wants.min_remaining = LONG / 20;
    check_same(&token(store, &short_lived, &wants).await, &short);
}

/// Checks that the store returns an acceptable entry while another owner has
/// the lease.
///
/// A token is renewed before it expires. Until the next one is there, all other
/// processes use it.
pub async fn a_lease_does_not_hide_an_entry(store: &impl TokenStore) {
    let key = fresh_key();
    let put = put(store, &key, "token").await;
    let mut wants = claim();
    wants.at_least = put.fence.next();
    lease(store, &key, &wants).await;
    check_same(&token(store, &key, &claim()).await, &put);
}

/// Checks that the remaining lifetime of an entry falls by the store's clock,
/// and that the entry expires.
///
/// A process takes the remaining lifetime from the store, because its own clock
/// may differ from that of the process that fetched the token.
pub async fn an_entry_counts_down_and_ends(store: &impl TokenStore) {
    let key = fresh_key();
    put(store, &key, "token").await;
    let first = token(store, &key, &claim()).await.remaining;
    assert!(
        first <= LONG && first > LONG / 2,
        "a new token must have nearly all of its {LONG:?} left, not {first:?}"
    );
    sleep(SHORT).await;
    let second = token(store, &key, &claim()).await.remaining;
    assert!(
        second + SHORT / 2 <= first,
        "the remaining lifetime must fall with the store's clock: {first:?}, then {second:?} after \
         {SHORT:?}. If its clock is not tokio's, do not pause the clock of the test"
    );

    let (key, next) = (fresh_key(), claim());
    let lent = lease(store, &key, &next).await;
    let short = Entry {
        lifetime: SHORT * 2,
        remaining: SHORT * 2,
        ..entry(lent.fence, "short")
    };
    publish(store, &key, &lent, &short).await;
    let after = lease_when_free(store, &key, &next).await;
    assert!(
        after.fence > short.fence,
        "a fence must be above that of an expired token: {after:?} after {short:?}"
    );
}

/// Checks that the store keeps values of any bytes and of any length.
///
/// A value may be encrypted, so it is not text. The longest one here has 64
/// KiB.
pub async fn values_are_kept_byte_for_byte(store: &impl TokenStore) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let many: Vec<u8> = (0..=250).cycle().take(64 * 1024).collect();
    for value in [Vec::new(), every_byte, b"\r\n\0 {}".to_vec(), many] {
        let (key, mine) = (fresh_key(), claim());
        let lent = lease(store, &key, &mine).await;
        let put = Entry {
            value: value.into(),
            lifetime: Duration::from_millis(59_999),
            ..entry(lent.fence, "token")
        };
        publish(store, &key, &lent, &put).await;
        let found = token(store, &key, &mine).await;
        check_same(&found, &put);
        assert!(
            found.remaining <= found.lifetime,
            "the remaining lifetime must not exceed the full one: {found:?}"
        );
    }
}

/// Checks that an entry with the same or a higher fence stays, and that a late
/// publisher gets it.
///
/// The order of arrival says nothing: a process may have paused between its
/// token request and the publication.
pub async fn the_fence_decides_what_is_published(store: &impl TokenStore) {
    let key = fresh_key();
    let (first, second) = successive_leases(store, &key).await;
    let winner = entry(second.fence, "winner");
    let published = publish(store, &key, &second, &winner).await;
    check_published(&published);
    for (lease, fence) in [(first, first.fence), (second, second.fence)] {
        match publish(store, &key, &lease, &entry(fence, "late")).await {
            Publication::Superseded(found) => {
                check_same(&found, &winner);
                assert!(
                    found.remaining <= LONG && found.remaining > LONG / 2,
                    "the token must come with its remaining lifetime: {found:?}"
                );
            }
            Publication::Published => {
                panic!("the store must refuse a token whose fence is not higher")
            }
        }
    }
    check_same(&token(store, &key, &claim()).await, &winner);
}

/// Checks that a token can be published after its lease has ended, unless there
/// is a newer one.
///
/// The token was fetched and is valid. To throw it away would cost another
/// token request.
pub async fn a_publication_may_be_late(store: &impl TokenStore) {
    let key = fresh_key();
    let (first, second) = successive_leases(store, &key).await;
    let late = entry(first.fence, "late");
    let published = publish(store, &key, &first, &late).await;
    check_published(&published);
    check_same(&token(store, &key, &claim()).await, &late);
    let newer = entry(second.fence, "newer");
    let published = publish(store, &key, &second, &newer).await;
    check_published(&published);
    check_same(&token(store, &key, &claim()).await, &newer);
}

/// Checks that a publication ends the lease of its owner, and no other lease.
///
/// A late publisher must not end the lease of its successor, and a successful
/// one must not make others wait for a lease that has done its work.
pub async fn a_publication_ends_its_lease_and_no_other(store: &impl TokenStore) {
    let key = fresh_key();
    let put = put(store, &key, "token").await;
    let mut wants = claim();
    wants.at_least = put.fence.next();
    let newer = lease(store, &key, &wants).await;
    let stale = Lease::new(owner(), put.fence);
    publish(store, &key, &stale, &entry(put.fence, "stale")).await;
    wants.owner = owner();
    let found = look_up(store, &key, &wants).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "a publication must not end the lease of another process; the store answered {found:?}"
    );
    publish(store, &key, &newer, &entry(newer.fence, "newer")).await;
    wants.at_least = newer.fence.next();
    lease(store, &key, &wants).await;
}
