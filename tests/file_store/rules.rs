//! The rules of every store, and the tokens that outlast a process.

use tower_genesys::store::{TokenStore, file::FileStore};

use crate::setup::*;

mod conformance {
    use std::sync::LazyLock;

    use tempfile::TempDir;
    use tower_genesys::store::file::FileStore;

    static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

    tower_genesys::store_conformance! {
        #[tokio::test]
        async { FileStore::new(DIRECTORY.path().join("tokens")).unwrap() }
    }
}

#[tokio::test]
async fn a_token_outlasts_the_store_that_published_it() {
    let place = Place::new();
    let lease = put(&place.store(), "token").await;
    let found = token(&place.store()).await;
    assert_eq!(
        (found.fence, &found.value[..]),
        (lease.fence, &b"token"[..])
    );
    assert!(found.remaining <= LIFE && found.remaining > LIFE / 2);
}

#[tokio::test]
async fn a_relative_path_starts_at_the_working_directory() {
    let here = std::env::current_dir().unwrap();
    let inside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let up = here.ancestors().skip(1).map(|_| "..").collect::<Vec<_>>();
    let relative = std::path::PathBuf::from(up.join("/"))
        .join(inside.path().strip_prefix("/").unwrap())
        .join("tokens");
    assert!(relative.is_relative());
    let store = FileStore::new(&relative).unwrap();
    put(&store, "token").await;
    assert!(inside.path().join("tokens").is_dir());
    assert!(format!("{store:?}").contains(here.to_str().unwrap()));
}

/// A slow disk occupies four threads at most, however many callers there are.
#[test]
fn a_hundred_claims_at_once_need_four_threads_and_get_one_lease() {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .unwrap();
    let leases = runtime.block_on(async {
        let store = place.store();
        let all = (0..100).map(|_| ask(&store));
        let found = futures_util::future::join_all(all).await;
        let leased = |found: &&_| matches!(found, tower_genesys::store::Lookup::Leased(_));
        found.iter().filter(leased).count()
    });
    assert_eq!(leases, 1);
}

#[test]
fn outside_of_a_runtime_an_operation_is_an_error() {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };
    let place = Place::new();
    let (store, key, claim) = (place.store(), key(), claim());
    let mut asked = pin!(store.get_or_lease(&key, &claim));
    let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else {
        panic!("it waits, though there is no runtime");
    };
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}
