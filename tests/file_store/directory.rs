//! The rights on the directory and its files.

use std::{fs, os::unix::fs::symlink};

use tower_genesys::store::{
    StoreErrorKind, TokenStore,
    file::{FileStore, FileStoreErrorKind},
};

use crate::setup::*;

#[tokio::test]
async fn only_the_owner_can_use_the_directory_and_its_files() {
    let place = Place::new();
    put(&place.store(), "token").await;
    assert_eq!(mode(&place.path()), 0o700);
    let key = key();
    assert_eq!(
        place.names(),
        [format!("{key}.lock"), format!("{key}.token")]
    );
    assert_eq!(mode(&place.file("token")), 0o600);
    assert_eq!(mode(&place.file("lock")), 0o600);
}

#[test]
fn a_directory_that_others_can_use_is_refused_with_the_fix() {
    let place = Place::new();
    place.store();
    for open in [0o755, 0o770, 0o701, 0o720, 0o704] {
        set_mode(&place.path(), open);
        let error = FileStore::new(place.path()).unwrap_err();
        assert_eq!(error.kind(), FileStoreErrorKind::Permissions, "{open:o}");
        assert!(error.to_string().contains("chmod 700"), "{error}");
        assert!(error.to_string().contains(place.path().to_str().unwrap()));
        assert_eq!(mode(&place.path()), open, "it stays as it was");
    }
    set_mode(&place.path(), 0o700);
    place.store();
}

#[test]
fn a_path_that_only_a_shell_expands_is_refused_and_not_created() {
    for name in ["~/below", "~", "$HOME/below", "$XDG_CACHE_HOME"] {
        let error = FileStore::new(name).unwrap_err();
        assert_eq!(error.kind(), FileStoreErrorKind::Inaccessible, "{error}");
        assert!(error.to_string().contains("only a shell"), "{error}");
        assert!(!fs::exists(name).unwrap(), "{name}");
    }
    let place = Place::new();
    let below = place.path().join("~");
    FileStore::new(&below).unwrap();
    assert_eq!(mode(&below), 0o700, "not at the start, `~` is a name");
}

#[test]
fn anything_other_than_a_directory_is_refused() {
    let place = Place::new();
    let parent = place.path().parent().unwrap().to_owned();
    fs::write(parent.join("file"), "").unwrap();
    fs::create_dir(parent.join("real")).unwrap();
    set_mode(&parent.join("real"), 0o700);
    symlink(parent.join("real"), parent.join("link")).unwrap();
    symlink(parent.join("nowhere"), parent.join("dangling")).unwrap();
    for (name, kind, says) in [
        ("file", FileStoreErrorKind::NotADirectory, "not a directory"),
        ("link", FileStoreErrorKind::NotADirectory, "symbolic link"),
        (
            "dangling",
            FileStoreErrorKind::NotADirectory,
            "symbolic link",
        ),
        ("file/below", FileStoreErrorKind::Inaccessible, "above it"),
        ("", FileStoreErrorKind::Permissions, "chmod 700"),
    ] {
        if name.is_empty() {
            set_mode(&parent, 0o755);
        }
        let error = FileStore::new(parent.join(name)).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = FileStore::new("").unwrap_err();
    assert_eq!(error.kind(), FileStoreErrorKind::Inaccessible, "{error}");
    assert_eq!(fs::read_dir(parent.join("real")).unwrap().count(), 0);
}

#[test]
fn a_directory_of_another_user_is_refused() {
    let place = Place::new();
    place.store();
    // Root gives the directory away. For other users, `/` belongs to another
    // one.
    let path = match std::os::unix::fs::chown(place.path(), Some(1), None) {
        Ok(()) => place.path(),
        Err(_) => "/".into(),
    };
    let error = FileStore::new(path).unwrap_err();
    assert_eq!(error.kind(), FileStoreErrorKind::Owner, "{error}");
}

#[tokio::test]
async fn a_directory_that_others_can_use_later_is_not_used_until_corrected() {
    let place = Place::new();
    let store = place.store();
    let lease = put(&store, "token").await;
    set_mode(&place.path(), 0o750);
    let (key, claim) = (key(), claim());
    let error = store.get_or_lease(&key, &claim).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(error.to_string().contains("chmod 700"), "{error}");
    let published = store.publish(&key, &lease, &entry(&lease, "next")).await;
    assert_eq!(published.unwrap_err().kind(), StoreErrorKind::Denied);
    set_mode(&place.path(), 0o700);
    assert_eq!(token(&store).await.value, "token");
}

#[tokio::test]
async fn a_directory_that_was_removed_is_created_again() {
    let place = Place::new();
    let store = place.store();
    let first = put(&store, "token").await;
    fs::remove_dir_all(place.path()).unwrap();
    let second = put(&store, "next").await;
    assert!(second.fence > first.fence);
    assert_eq!(mode(&place.path()), 0o700);
}
