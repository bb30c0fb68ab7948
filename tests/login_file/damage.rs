//! Files that the crate did not write, or did not write completely.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    process::Command,
};

use tower_genesys::{
    genesys::login_file::{LoginFile, LoginFileError, LoginFileErrorKind as Kind},
    store::file::{FileStoreError, FileStoreErrorKind},
    testing::MockGenesys,
    token::TokenErrorKind,
};

use crate::setup::*;

/// Expects the same error when the file is opened, when it is read, and from a
/// fetch, which sends nothing.
async fn is_refused(place: &Place, file: &LoginFile, kind: Kind, says: &str) {
    let (built, read) = (LoginFile::unsealed(place.path()), file.read());
    let (built, read) = (built.unwrap_err(), read.unwrap_err());
    let mock = MockGenesys::new();
    let token = mock.issue_refresh_token();
    let fetched = fetch(&refreshing(&mock, token, file)).await.unwrap_err();
    assert_eq!(fetched.kind(), TokenErrorKind::NotMarked);
    assert_eq!(mock.token_posts(), 0);
    let source = std::error::Error::source(&fetched).unwrap();
    let within: &LoginFileError = source.downcast_ref().unwrap();
    for error in [&built, &read, within] {
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(text.contains(&*place.path().to_string_lossy()), "{text}");
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_others_can_use_is_refused() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    for open in [0o640, 0o604, 0o620, 0o644] {
        set_mode(&place.path(), open);
        is_refused(&place, &file, Kind::Permissions, "chmod 600").await;
    }
    set_mode(&place.path(), 0o600);
    stored(&place.file());
}

#[tokio::test]
async fn a_file_of_another_user_is_refused_and_left_alone() {
    const NOBODY: u32 = 65534;
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    if chown(place.path(), Some(NOBODY), None).is_err() {
        // Only root can give files away. CI runs as root.
        return;
    }
    let theirs = fs::read(place.path()).unwrap();
    is_refused(&place, &file, Kind::Owner, "each user").await;
    assert_eq!(fs::read(place.path()).unwrap(), theirs);
}

#[tokio::test]
async fn links_directories_and_pipes_are_refused() {
    let (place, elsewhere, mock) = (Place::new(), Place::new(), MockGenesys::new());
    let file = place.file();
    elsewhere.logged_in(&mock).await;
    symlink(elsewhere.path(), place.path()).unwrap();
    is_refused(&place, &file, Kind::NotAFile, "give the file itself").await;
    fs::remove_file(place.path()).unwrap();

    fs::create_dir(place.path()).unwrap();
    is_refused(&place, &file, Kind::NotAFile, "a directory").await;
    fs::remove_dir(place.path()).unwrap();

    let mut mkfifo = Command::new("mkfifo");
    mkfifo.args(["-m", "600"]).arg(place.path());
    assert!(mkfifo.status().unwrap().success());
    is_refused(&place, &file, Kind::NotAFile, "a pipe").await;
}

#[tokio::test]
async fn a_directory_that_is_not_private_is_refused() {
    let place = Place::new();
    let file = place.file();
    set_mode(&place.directory(), 0o755);
    for error in [
        LoginFile::unsealed(place.path()).unwrap_err(),
        file.read().unwrap_err(),
        file.remove().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Directory, "{error}");
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().contains("chmod 700"), "{source}");
        let source: &FileStoreError = source.downcast_ref().unwrap();
        assert_eq!(source.kind(), FileStoreErrorKind::Permissions);
    }
}

#[test]
fn a_path_that_names_no_file_is_refused() {
    for (path, kind) in [
        ("", Kind::NotAFile),
        ("/", Kind::NotAFile),
        ("~/.local/login", Kind::Directory),
        ("$HOME/login", Kind::Directory),
    ] {
        let error = LoginFile::unsealed(path).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

/// The next login replaces the damaged file.
#[tokio::test]
async fn a_torn_file_is_an_error_until_the_next_login() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let (token, whole) = (stored(&file), fs::read(place.path()).unwrap());
    let other_version = String::from_utf8_lossy(&whole).replacen("login 1 ", "login 2 ", 1);
    let other_fields = framed(r#"{"token":{"unsealed":"a"},"in_use":false,"more":1}"#);
    let of_a_store = String::from_utf8_lossy(&whole).replacen(" login ", " token ", 1);
    for (content, kind) in [
        (&[][..], Kind::Damaged),
        (&whole[..whole.len() / 2], Kind::Damaged),
        (&whole[..whole.len() - 1], Kind::Damaged),
        (b"s3cr3t", Kind::Damaged),
        (other_fields.as_bytes(), Kind::Damaged),
        (of_a_store.as_bytes(), Kind::Damaged),
        (other_version.as_bytes(), Kind::Version),
    ] {
        fs::write(place.path(), content).unwrap();
        let file = place.file();
        let error = file.read().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("log in again"), "{error}");
        assert!(!shown(&error).contains("s3cr3t"));

        // The refresh token may be in use, so it is not sent.
        let posts = mock.token_posts();
        let error = fetch(&refreshing(&mock, token.clone(), &file)).await;
        assert_eq!(error.unwrap_err().kind(), TokenErrorKind::NotMarked);
        assert_eq!(mock.token_posts(), posts);
    }
    log_in(&mock, &file).await;
    stored(&file);
}

#[tokio::test]
async fn a_huge_file_is_not_read() {
    let place = Place::new();
    let file = place.file();
    fs::File::create(place.path())
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    set_mode(&place.path(), 0o600);
    is_refused(&place, &file, Kind::Damaged, "too long").await;
}

#[tokio::test]
async fn the_temporary_file_of_a_killed_process_is_removed() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.file();
    fs::write(place.directory().join("login.new"), "half a fi").unwrap();
    log_in(&mock, &file).await;
    assert_eq!(place.names(), ["login", "login.lock"]);
}

/// The operation neither starts a thread nor hangs.
#[test]
fn outside_of_a_runtime_an_operation_is_an_error() {
    let place = Place::new();
    let file = place.file();
    let removing = Box::pin(file.remove());
    let error = futures_util::FutureExt::now_or_never(removing)
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("runtime"), "{source}");
}
