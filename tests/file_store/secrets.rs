//! Neither a token nor a secret is visible.

use std::fs;

use tower_genesys::{
    Org, Sharing,
    store::{KeyRing, SealKey, TokenStore, file::FileStore},
    testing::MockGenesys,
};

use crate::{fixtures::mock_org, setup::*};

fn org(mock: &MockGenesys, sharing: Sharing) -> Org {
    mock_org::builder(mock)
        .share(sharing)
        .build::<mock_org::Body>(mock.service())
        .unwrap()
}

/// The content of all files, as it is and with its base64 decoded.
fn files(place: &Place) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut all = String::new();
    for name in place.names() {
        let content = fs::read_to_string(place.path().join(&name)).unwrap();
        let decoded = content
            .split('"')
            .filter_map(|part| STANDARD.decode(part).ok());
        for bytes in decoded {
            all += &String::from_utf8_lossy(&bytes);
        }
        all += &name;
        all += &content;
    }
    all
}

#[tokio::test]
async fn no_file_shows_a_sealed_token_and_another_run_uses_it() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let ring = || KeyRing::new([SealKey::from_bytes("a", &[7; 32]).unwrap()]).unwrap();
    let run = || org(&mock, Sharing::sealed(place.store(), ring()));
    let token = run().tokens().token().await.unwrap();
    let all = files(&place);
    for secret in [token.expose(), &mock.client_secret(), &mock.client_id()] {
        assert!(!all.contains(secret), "{all}");
    }
    assert_eq!(
        run().tokens().token().await.unwrap().expose(),
        token.expose()
    );
    assert_eq!(mock.token_posts(), 1);
}

#[tokio::test]
async fn the_file_of_an_unsealed_token_shows_it_and_no_secret() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let org = org(&mock, Sharing::unsealed(place.store()));
    let token = org.tokens().token().await.unwrap();
    let all = files(&place);
    assert!(all.contains(token.expose()), "the search finds a token");
    assert!(!all.contains(&mock.client_secret()));
}

#[tokio::test]
async fn no_debug_and_no_error_shows_a_token() {
    let place = Place::new();
    let store = place.store();
    let lease = put(&store, "s3cr3t").await;
    let mut all = format!("{store:?} {:?}", token(&store).await);
    let (key, claim) = (key(), claim());
    set_mode(&place.path(), 0o755);
    all += &shown(&FileStore::new(place.path()).unwrap_err());
    all += &shown(&store.get_or_lease(&key, &claim).await.unwrap_err());
    set_mode(&place.path(), 0o700);
    fs::remove_file(place.file("token")).unwrap();
    fs::create_dir(place.file("token")).unwrap();
    let next = entry(&lease, "s3cr3t");
    all += &shown(&store.publish(&key, &lease, &next).await.unwrap_err());
    assert!(!all.contains("s3cr3t"), "{all}");
    assert!(all.contains(place.path().to_str().unwrap()), "{all}");
}
