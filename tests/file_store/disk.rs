//! A disk that cannot be written.

use std::{fs, os::unix::fs::chown, process::Command};

use tower_genesys::store::{StoreErrorKind, TokenStore};

use crate::{
    fixtures::{child_process::program, running_child::Running},
    processes::{command, only},
    setup::*,
};

/// A limit of the shell keeps files from growing, as a full disk does.
#[tokio::test]
async fn a_full_disk_is_unavailable_and_loses_no_token() {
    let place = Place::new();
    let store = place.store();
    put(&store, "token").await;
    let before = fs::read(place.file("token")).unwrap();
    let mut sh = command("sh".as_ref(), "lease", &place.path());
    let script = r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#;
    sh.args(["-c", script]).arg(program()).args(only());
    let answer = Running::start(&mut sh).says();
    assert!(answer.starts_with("Unavailable: "), "{answer}");
    assert!(answer.contains("full"), "{answer}");
    assert!(!place.file("new").exists());
    assert_eq!(fs::read(place.file("token")).unwrap(), before);
}

/// The process runs as another user than root, to whom no mode applies.
#[test]
fn a_directory_that_is_not_writable_is_denied() {
    const NOBODY: u32 = 65534;
    let place = Place::new();
    place.store();
    let parent = place.path().parent().unwrap().to_owned();
    let copy = parent.join("process");
    fs::copy(program(), &copy).unwrap();
    set_mode(&place.path(), 0o500);
    let mut child = command(&copy, "lease", &place.path());
    if chown(place.path(), Some(NOBODY), None).is_ok() {
        set_mode(&parent, 0o755);
        std::os::unix::process::CommandExt::uid(&mut child, NOBODY);
    }
    let answer = Running::start(child.current_dir("/").args(only())).says();
    assert!(answer.starts_with("Denied: "), "{answer}");
    assert!(answer.contains("chmod 700"), "{answer}");
}

#[tokio::test]
async fn a_directory_in_place_of_a_file_is_unavailable() {
    let place = Place::new();
    let store = place.store();
    fs::create_dir(place.file("token")).unwrap();
    let (key, claim) = (key(), claim());
    let error = store.get_or_lease(&key, &claim).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("contains only files"), "{error}");
    assert!(!place.file("new").exists(), "nothing is left behind");
    let removed = Command::new("rmdir").arg(place.file("token")).status();
    assert!(removed.unwrap().success());
    leased(&store).await;
}
