//! Damaged files, and other things in the place of a file.

use std::{fs, os::unix::fs::symlink, process::Command, time::Duration};

use tokio::time::Instant;
use tower_genesys::store::{Lookup, StoreErrorKind, TokenStore};

use crate::setup::*;

/// Expects that the store reports the damage and treats the token as missing,
/// and that the next token replaces it.
async fn is_replaced(place: &Place, kind: StoreErrorKind) {
    let store = place.store();
    let lease = leased(&store).await;
    assert_eq!(lease.replaces, Some(kind));
    assert!(matches!(ask(&store).await, Lookup::Busy(_)));
    publish(&store, &lease, "next").await;
    assert_eq!(token(&store).await.value, "next");
    assert_eq!(mode(&place.file("token")), 0o600);
}

#[tokio::test]
async fn an_unreadable_file_counts_as_missing() {
    for (content, kind) in [
        ("", StoreErrorKind::Corrupt),
        ("{\"token\":", StoreErrorKind::Corrupt),
        ("tower-genesys token 9 x\n{}", StoreErrorKind::Incompatible),
    ] {
        let place = Place::new();
        place.store();
        fs::write(place.file("token"), content).unwrap();
        set_mode(&place.file("token"), 0o600);
        is_replaced(&place, kind).await;
    }
}

#[tokio::test]
async fn half_a_file_counts_as_missing() {
    let place = Place::new();
    put(&place.store(), "token").await;
    let whole = fs::read(place.file("token")).unwrap();
    fs::write(place.file("token"), &whole[..whole.len() / 2]).unwrap();
    is_replaced(&place, StoreErrorKind::Corrupt).await;
}

#[tokio::test]
async fn a_huge_file_is_not_read() {
    let place = Place::new();
    place.store();
    let file = fs::File::create(place.file("token")).unwrap();
    file.set_len(1 << 40).unwrap();
    set_mode(&place.file("token"), 0o600);
    is_replaced(&place, StoreErrorKind::Corrupt).await;
}

#[tokio::test]
async fn a_file_that_others_can_read_is_not_used() {
    let place = Place::new();
    let store = place.store();
    put(&store, "token").await;
    for open in [0o640, 0o604, 0o660] {
        set_mode(&place.file("token"), open);
        assert_eq!(
            leased(&store).await.replaces,
            Some(StoreErrorKind::Corrupt),
            "{open:o}"
        );
        fs::remove_file(place.file("token")).unwrap();
        put(&store, "token").await;
    }
    set_mode(&place.file("token"), 0o644);
    is_replaced(&place, StoreErrorKind::Corrupt).await;
}

#[tokio::test]
async fn links_are_not_followed_and_their_targets_stay() {
    let (place, elsewhere) = (Place::new(), Place::new());
    put(&elsewhere.store(), "theirs").await;
    let theirs = fs::read(elsewhere.file("token")).unwrap();
    place.store();
    symlink(elsewhere.file("token"), place.file("token")).unwrap();
    symlink(elsewhere.file("token"), place.file("new")).unwrap();
    is_replaced(&place, StoreErrorKind::Corrupt).await;
    assert_eq!(fs::read(elsewhere.file("token")).unwrap(), theirs);

    // The target of a link is neither locked nor created.
    fs::remove_file(place.file("lock")).unwrap();
    fs::remove_file(place.file("token")).unwrap();
    symlink(elsewhere.path().join("made"), place.file("lock")).unwrap();
    let (key, claim) = (key(), claim());
    let error = place.store().get_or_lease(&key, &claim).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(!elsewhere.path().join("made").exists());
}

#[tokio::test]
async fn a_pipe_blocks_no_operation() {
    let place = Place::new();
    place.store();
    for extension in ["token", "new"] {
        let made = Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(place.file(extension))
            .status();
        assert!(made.unwrap().success());
    }
    let begun = Instant::now();
    is_replaced(&place, StoreErrorKind::Corrupt).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn the_temporary_file_of_a_killed_process_is_removed() {
    let place = Place::new();
    place.store();
    fs::write(place.file("new"), "half a fi").unwrap();
    put(&place.store(), "token").await;
    assert!(!place.file("new").exists());
}

/// This happens after a backup was restored, or a clock corrected.
#[tokio::test]
async fn a_token_from_the_future_is_not_used() {
    let place = Place::new();
    let store = place.store();
    put(&store, "token").await;
    let written = fs::read_to_string(place.file("token")).unwrap();
    let (_, json) = written.split_once('\n').unwrap();
    let mut state: serde_json::Value = serde_json::from_str(json).unwrap();
    let day = 86_400_000;
    for end in ["from", "until"] {
        let time = &mut state["token"]["span"][end];
        *time = (time.as_u64().unwrap() + day).into();
    }
    let json = state.to_string();
    let digest = {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        use sha2::{Digest, Sha256};
        STANDARD.encode(Sha256::digest(&json))
    };
    let content = format!("tower-genesys token 1 {digest}\n{json}");
    fs::write(place.file("token"), content).unwrap();
    let lease = leased(&store).await;
    assert_eq!(lease.replaces, None, "it is readable, and not valid");
}
