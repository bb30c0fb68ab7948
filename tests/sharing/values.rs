//! Unusable values in the store.

use bytes::Bytes;
use tokio::time::advance;
use tower_genesys::{
    store::{Entry, StoreKey},
    token::TokenProvider,
};

use crate::setup::*;

/// Spoils the token in the store, and expects that a new process replaces it.
async fn spoiled(spoil: impl FnOnce(&Fleet, &StoreKey, Entry)) -> Fleet {
    let fleet = Fleet::of(1);
    assert_eq!(fleet.all_ask().await, 0);
    let key = fleet.store.keys()[0];
    let entry = fleet.store.entry(&key).expect("an entry");
    spoil(&fleet, &key, entry);
    let fresh = fleet.process();
    let token = fresh.token().await.expect("never an error");
    assert_eq!(token.expose(), "t0p-s3cr3t-2", "a new token");
    assert_eq!(fleet.endpoint.posts(), 2);
    // The new token has replaced the unusable one.
    let next = fleet.process();
    assert_eq!(
        next.token().await.expect("a token").expose(),
        "t0p-s3cr3t-2"
    );
    assert_eq!(fleet.endpoint.posts(), 2);
    fleet
}

fn with_value(mut entry: Entry, value: Bytes) -> Entry {
    entry.value = value;
    entry
}

#[tokio::test(start_paused = true)]
async fn a_damaged_value_is_a_miss_with_an_event() {
    let values = [
        &b""[..],
        b"x",
        b"tgs\x01",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for value in values {
        let fleet = spoiled(|fleet, key, entry| {
            let value = Bytes::copy_from_slice(value);
            fleet.store.overwrite(key, &with_value(entry, value));
        });
        assert_eq!(fleet.await.events.count("missed corrupt"), 1, "{value:?}");
    }
    let fleet = spoiled(|fleet, key, _| {
        fleet
            .store
            .corrupt(key, |value| *value.last_mut().expect("bytes") ^= 1);
    });
    assert_eq!(fleet.await.events.count("missed corrupt"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_of_another_version_is_a_miss_with_an_event() {
    let fleet = spoiled(|fleet, key, _| fleet.store.corrupt(key, |value| value[3] = 2));
    assert_eq!(fleet.await.events.count("missed incompatible"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_not_sealed_is_a_miss_with_an_event() {
    let fleet = spoiled(|fleet, key, entry| {
        let value = Bytes::from_static(b"tgu\x010123456789abcdefstolen");
        fleet.store.overwrite(key, &with_value(entry, value));
    });
    assert_eq!(fleet.await.events.count("missed incompatible"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_copied_from_another_key_is_a_miss_with_an_event() {
    let fleet = spoiled(|fleet, key, entry| {
        let other = StoreKey::new("login.example", "another", "client_credentials");
        fleet.store.overwrite(&other, &entry);
        let mut raised = fleet.store.entry(&other).expect("it was put there");
        raised.fence = raised.fence.next();
        fleet.store.overwrite(key, &raised);
    });
    assert_eq!(fleet.await.events.count("missed corrupt"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_sealed_with_an_unknown_key_is_a_miss_with_an_event() {
    let fleet = Fleet::of(0);
    let stranger = fleet.process_with(&[("other", 9)]);
    stranger.token().await.expect("a token");
    let process = fleet.process();
    assert_eq!(
        process.token().await.expect("never an error").expose(),
        "t0p-s3cr3t-2"
    );
    assert_eq!(
        (fleet.endpoint.posts(), fleet.events.count("missed corrupt")),
        (2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_rotation_process_by_process_costs_no_request() {
    let (old, new) = (("2025-06", 1), ("2025-07", 2));
    let stages: [&[(&str, u8)]; 4] = [&[old], &[old, new], &[new, old], &[new]];
    let mut fleet = Fleet::of(0);
    fleet.processes = (0..6).map(|_| fleet.process_with(stages[0])).collect();
    assert_eq!(fleet.all_ask().await, 0);
    for (stage, keys) in stages.iter().enumerate().skip(1) {
        for at in 0..6 {
            fleet.processes[at] = fleet.process_with(keys);
            assert_eq!(fleet.all_ask().await, 0);
        }
        // A renewal between two stages, so that no value is sealed with the old
        // key.
        let posts = fleet.endpoint.posts();
        assert_eq!(posts, stage, "a deployment costs no request");
        advance(DAY).await;
        assert_eq!(fleet.all_ask().await, 0);
        assert_eq!(
            (fleet.endpoint.posts(), fleet.tokens().len()),
            (stage + 1, 1)
        );
    }
    assert_eq!(fleet.events.count("missed corrupt"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_rotation_in_one_step_costs_one_request() {
    let mut fleet = Fleet::of(0);
    fleet.processes = (0..6).map(|_| fleet.process_with(&[("old", 1)])).collect();
    assert_eq!(fleet.all_ask().await, 0);
    for at in 0..6 {
        fleet.processes[at] = fleet.process_with(&[("new", 2)]);
        assert_eq!(fleet.all_ask().await, 0);
    }
    assert_eq!(fleet.endpoint.posts(), 2);
    assert!(
        fleet
            .processes
            .iter()
            .all(|process| process.try_current().is_some())
    );
}
