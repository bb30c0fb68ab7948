//! The file contains the newest refresh token, and a mark while that token is
//! in use.

use std::fs;

use tower_genesys::{
    testing::{MockGenesys, TOKEN},
    token::TokenErrorKind,
};

use crate::setup::*;

#[tokio::test]
async fn each_renewal_replaces_the_refresh_token_and_the_next_process_uses_it() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    assert_eq!(place.names(), ["login", "login.lock"]);
    let mut seen = vec![stored(&file)];
    for _ in 0..3 {
        let process = next_process(&mock, &place.file());
        for _ in 0..2 {
            fetch(&process).await.unwrap();
            seen.push(stored(&file));
        }
    }
    assert_eq!(mock.token_posts(), 7);
    let sent = sent(&mock);
    assert_eq!(sent[1..], seen[..6], "each sent once, in order");
    assert_eq!(place.names(), ["login", "login.lock"]);
    for name in place.names() {
        assert_eq!(mode(&place.directory().join(name)), 0o600);
    }
    assert_eq!(mode(&place.directory()), 0o700);
}

#[tokio::test]
async fn the_first_login_creates_the_file() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.file();
    assert!(file.read().unwrap().is_none());
    log_in(&mock, &file).await;
    fetch(&next_process(&mock, &file)).await.unwrap();
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test]
async fn a_mark_stays_until_the_answer_and_keeps_others_from_sending() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let (process, other) = (next_process(&mock, &file), next_process(&mock, &file));
    let held = mock.hold(TOKEN);
    let renewing = fetch(&process);
    let looking = async {
        mock.wait_for(TOKEN, 2).await;
        assert!(file.read().unwrap().unwrap().is_in_use());
        let error = fetch(&other).await.unwrap_err();
        assert_eq!(error.kind(), TokenErrorKind::LoginRequired);
        assert_eq!(mock.token_posts(), 2, "not sent");
        drop(held);
    };
    let (renewed, ()) = tokio::join!(renewing, looking);
    renewed.unwrap();

    // A process that reads the file now gets the next refresh token.
    fetch(&next_process(&mock, &file)).await.unwrap();
    assert_eq!(mock.token_posts(), 3);
}

#[tokio::test]
async fn a_process_whose_refresh_token_was_replaced_sends_nothing_and_says_so() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let (process, other) = (next_process(&mock, &file), next_process(&mock, &file));
    fetch(&process).await.unwrap();
    let posts = mock.token_posts();
    let error = fetch(&other).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::LoginRequired);
    assert!(
        error.to_string().contains("another process has renewed"),
        "{error}"
    );
    assert_eq!(mock.token_posts(), posts);

    other.handle().replace(stored(&file));
    fetch(&other).await.unwrap();
    assert_eq!(mock.token_posts(), posts + 1);
}

#[tokio::test]
async fn the_mark_is_removed_from_an_unused_refresh_token() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let before = stored(&file);
    mock.on(TOKEN).nth(2).reply_503();
    let error = fetch(&next_process(&mock, &file)).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Unavailable);
    assert_eq!(stored(&file), before);
    fetch(&next_process(&mock, &file)).await.unwrap();
}

#[tokio::test]
async fn a_removed_login_is_gone_until_the_next_login() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    file.remove().await.unwrap();
    assert!(file.read().unwrap().is_none());
    file.remove().await.unwrap();
    place.logged_in(&mock).await;
    stored(&file);

    // The directory may be removed, too.
    fs::remove_dir_all(place.directory()).unwrap();
    assert!(file.read().unwrap().is_none());
    place.logged_in(&mock).await;
    stored(&file);
}

#[tokio::test]
async fn no_debug_shows_the_refresh_token() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let token = stored(&file);
    let login = file.read().unwrap();
    let all = format!("{file:?} {login:?} {:?}", next_process(&mock, &file));
    assert!(!all.contains(&token), "{all}");
    assert!(all.contains(&*place.path().to_string_lossy()), "{all}");
}
