use std::collections::BTreeSet;

use crate::setup::Fleet;

/// Everything that the server sees and keeps while the fleet starts, renews and
/// fails. Also returns the tokens and the client secret.
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
    // The lease is given back with a cooldown.
    fleet.processes[0].call().await;

    let dump = fleet.redis.dump();
    let mut all = monitor.stop();
    assert!(all.contains("EVAL") && all.contains("cooldown"), "{all}");
    // `MONITOR` escapes bytes that are not text, and the dump has them as they
    // are.
    all += &String::from_utf8_lossy(&dump);
    (all, tokens, fleet.mock.client_secret())
}

#[tokio::test]
async fn a_server_never_sees_the_secret_or_a_sealed_token() {
    let (all, tokens, secret) = seen(crate::setup::OLD).await;
    for token in &tokens {
        assert!(!all.contains(token));
    }
    assert!(!all.contains(&secret));
}

/// Shows that the search would find a token.
#[tokio::test]
async fn a_server_sees_a_token_that_is_not_sealed() {
    let (all, tokens, secret) = seen("").await;
    for token in &tokens {
        assert!(all.contains(token), "{token} in {all}");
    }
    assert!(!all.contains(&secret));
}
