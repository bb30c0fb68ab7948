//! A sealed file, which only its key opens.

use std::{error::Error, fs};

use tower_genesys::{
    genesys::login_file::{LoginFile, LoginFileErrorKind as Kind},
    store::{KeyRing, SealKey},
    testing::MockGenesys,
    token::TokenErrorKind,
};

use crate::setup::*;

fn ring(keys: &[(&str, u8)]) -> KeyRing {
    let keys = keys
        .iter()
        .map(|(id, byte)| SealKey::from_bytes(id, &[*byte; 32]));
    KeyRing::new(keys.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

async fn logged_in(place: &Place, mock: &MockGenesys, keys: &[(&str, u8)]) -> LoginFile {
    let file = LoginFile::sealed(place.path(), ring(keys)).unwrap();
    let source = refreshing(mock, mock.issue_refresh_token(), &file);
    fetch(&source).await.unwrap();
    file
}

#[tokio::test]
async fn the_file_never_shows_a_sealed_login() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = logged_in(&place, &mock, &[("a", 1)]).await;
    for _ in 0..3 {
        let token = stored(&file);
        let content = fs::read_to_string(place.path()).unwrap();
        assert!(content.contains("sealed"), "{content}");
        assert!(!content.contains(&token), "{content}");
        fetch(&next_process(&mock, &file)).await.unwrap();
    }
    assert_eq!(mock.token_posts(), 4);
}

#[tokio::test]
async fn after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let old = logged_in(&place, &mock, &[("old", 1)]).await;
    let new = LoginFile::sealed(place.path(), ring(&[("new", 2), ("old", 1)])).unwrap();
    fetch(&next_process(&mock, &new)).await.unwrap();
    stored(&new);
    let error = old.read().unwrap_err();
    assert_eq!(error.kind(), Kind::Sealed, "{error}");
    assert!(error.source().unwrap().to_string().contains("ring"));
}

#[tokio::test]
async fn a_file_of_another_form_or_key_is_an_error_until_the_next_login() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let sealed = logged_in(&place, &mock, &[("a", 1)]).await;
    let token = stored(&sealed);
    let unsealed = place.file();
    let error = unsealed.read().unwrap_err();
    assert_eq!(error.kind(), Kind::Sealed, "{error}");
    assert!(error.to_string().contains("LoginFile::sealed"), "{error}");

    // A process that cannot tell whether the token is in use sends nothing.
    let error = fetch(&refreshing(&mock, token.clone(), &unsealed))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::NotMarked);
    assert_eq!(mock.token_posts(), 1);
    assert!(!shown(&error).contains(&token));

    fs::remove_file(place.path()).unwrap();
    fetch(&refreshing(&mock, token, &unsealed)).await.unwrap();
    let error = sealed.read().unwrap_err();
    assert_eq!(error.kind(), Kind::Sealed, "an unsealed login: {error}");
}

/// An attacker who could remove the mark would have the refresh token sent
/// twice.
#[tokio::test]
async fn the_seal_covers_the_mark() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = logged_in(&place, &mock, &[("a", 1)]).await;
    let content = fs::read_to_string(place.path()).unwrap();
    let (_, json) = content.split_once('\n').unwrap();
    let json = json.replace(r#""in_use":false"#, r#""in_use":true"#);
    fs::write(place.path(), framed(&json)).unwrap();
    assert_eq!(file.read().unwrap_err().kind(), Kind::Sealed);
}
