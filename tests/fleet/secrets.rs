use std::collections::BTreeSet;

use crate::setup::Fleet;

/// Everything that the server is told and keeps while the fleet starts, renews
/// and fails, and the tokens that there were.
async fn seen(keys: &str) -> (String, BTreeSet<String>, String) {
    let mut fleet = Fleet::of(0).await;
    let monitor = fleet.redis.monitor();
    fleet.settings = fleet.settings.with_keys(keys);
    fleet.add(3).await;
    let mut tokens = fleet.tokens().await;
    fleet.mock.revoke_all();
    fleet.all_call().await;
    tokens.append(&mut fleet.tokens().await);
    assert_eq!((tokens.len(), fleet.posts()), (2, 2));
    fleet.mock.revoke_all();
    { fleet.mock.on(tower_genesys::testing::TOKEN) }.reply_503();
    // A lease is given back with a cooldown, and what there was stays.
    fleet.processes[0].call().await;

    let dump = fleet.redis.dump();
    let mut all = monitor.stop();
    assert!(all.contains("EVAL") && all.contains("cooldown"), "{all}");
    // Bytes that are no text are escaped by `MONITOR`, and stay bytes in the
    // dump.
    all += &String::from_utf8_lossy(&dump);
    (all, tokens, fleet.mock.client_secret())
}

#[tokio::test]
async fn a_server_is_never_told_the_secret_or_a_sealed_token() {
    let (all, tokens, secret) = seen(crate::setup::OLD).await;
    for token in &tokens {
        assert!(!all.contains(token));
    }
    assert!(!all.contains(&secret));
}

/// So that the search above would have found it.
#[tokio::test]
async fn a_token_that_is_not_sealed_is_seen() {
    let (all, tokens, secret) = seen("").await;
    for token in &tokens {
        assert!(all.contains(token), "{token} in {all}");
    }
    assert!(!all.contains(&secret));
}
