use redis::Value;

use crate::{
    process::Process,
    setup::{Fleet, NEW},
};

/// Expects that one more process cannot use the stored token: it reports the
/// reason, and gets a new token.
async fn is_missed(fleet: &mut Fleet, event: &str) {
    let posts = fleet.posts();
    let mut process = Process::start(&fleet.settings).await;
    process.call().await.assert_ok();
    assert!(
        process.has_seen(event).await,
        "{:?}",
        process.events().await
    );
    assert_eq!(fleet.posts(), posts + 1);
    // It has replaced the unusable token.
    let mut next = Process::start(&fleet.settings).await;
    assert_eq!(next.get().await.token(), process.get().await.token());
    assert_eq!((fleet.posts(), fleet.refusals()), (posts + 1, 0));
}

#[tokio::test]
async fn an_unusable_token_is_a_miss_with_an_event_and_is_never_sent() {
    let mut fleet = Fleet::of(1).await;
    fleet.all_call().await;
    let key = fleet.token_key();
    let whole: Vec<u8> = fleet.redis.run(&["GET", &key]);

    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    set(&fleet, &key, &damaged);
    is_missed(&mut fleet, "missed:corrupt").await;

    set(&fleet, &key, b"Bearer of bad news");
    is_missed(&mut fleet, "missed:corrupt").await;

    let other_version = [b"v2", &whole[2..]].concat();
    set(&fleet, &key, &other_version);
    is_missed(&mut fleet, "missed:incompatible").await;

    fleet.redis.run::<()>(&["DEL", &key]);
    fleet.redis.run::<Value>(&["HSET", &key, "field", "1"]);
    is_missed(&mut fleet, "missed:corrupt").await;

    let ours = fleet.settings.clone();
    fleet.settings = ours.with_keys(NEW);
    is_missed(&mut fleet, "missed:corrupt").await;
}

/// An attacker who may write to the server, without the sealing key, could copy
/// it.
#[tokio::test]
async fn a_token_that_was_copied_from_another_key_is_not_used() {
    let mut fleet = Fleet::of(2).await;
    let mut other = fleet.processes.pop().unwrap();
    other.ask("open staging").await;
    let staging = other.get().await;
    let from = fleet.token_key();
    let theirs: Vec<u8> = fleet.redis.run(&["GET", &from]);
    assert_ne!(fleet.processes[0].get().await.token(), staging.token());
    let keys = fleet.redis.keys();
    let to = { keys.iter() }.find(|key| key.ends_with(":token") && **key != from);
    set(&fleet, to.unwrap(), &theirs);
    is_missed(&mut fleet, "missed:corrupt").await;
}

#[tokio::test]
async fn a_server_that_denies_access_fails_no_caller() {
    let mut fleet = Fleet::of(0).await;
    let rules = "ACL SETUSER weak on >password ~* +@all -get";
    let rules: Vec<_> = rules.split(' ').collect();
    fleet.redis.run::<()>(&rules);
    fleet.settings = fleet
        .settings
        .with_redis(fleet.redis.url_of("weak", "password"));
    fleet.add(2).await;
    fleet.all_call().await;
    for process in &mut fleet.processes {
        assert!(process.has_seen("failed:get_or_lease:denied").await);
        assert!(process.has_seen("went_alone").await);
    }
    assert_eq!((fleet.posts(), fleet.refusals()), (2, 0));
}

#[tokio::test]
async fn a_server_out_of_memory_fails_no_caller() {
    let mut fleet = Fleet::of(0).await;
    fleet.redis.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    fleet.add(2).await;
    fleet.all_call().await;
    for process in &mut fleet.processes {
        assert!(process.has_seen("failed:get_or_lease:unavailable").await);
    }
    assert_eq!((fleet.posts(), fleet.refusals()), (2, 0));
}

fn set(fleet: &Fleet, key: &str, value: &[u8]) {
    let [set, px, life] = ["SET", "PX", "80000000"].map(str::as_bytes);
    fleet
        .redis
        .run::<()>(&[set, key.as_bytes(), value, px, life]);
}
