//! Sharing for an `Org`, with a Genesys Cloud in memory.

use std::sync::Arc;

use tokio::sync::Mutex;
use tower_genesys::{
    BoxError, Credentials, Org, Region, Sharing,
    genesys::{credentials_fn, grants::ClientCredentials},
    store::{MemoryStore, ShareableSource},
    testing::MockGenesys,
    token::TokenProvider,
};

use crate::{
    fixtures::mock_org::{self, Body},
    setup::ring,
};

fn sharing(store: &MemoryStore) -> Sharing {
    Sharing::sealed(store.clone(), ring(&[("key", 1)]))
}

fn org(mock: &MockGenesys, sharing: Sharing) -> Org {
    let builder = mock_org::builder(mock).share(sharing);
    builder
        .build::<Body>(mock.service())
        .expect("it can be shared")
}

#[tokio::test(start_paused = true)]
async fn organisations_of_many_processes_share_one_token() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let orgs: Vec<_> = (0..10).map(|_| org(&mock, sharing(&store))).collect();
    for org in &orgs {
        org.tokens().warm_up().await.expect("a token");
    }
    assert_eq!(mock.token_posts(), 1);
    mock.revoke_all();
    for org in &orgs {
        let refused = org.tokens().try_current().expect("a token").generation();
        org.tokens().wait(refused).await.expect("a newer one");
    }
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_sharing_each_organisation_gets_its_own_token() {
    let mock = MockGenesys::new();
    for _ in 0..2 {
        let org = mock_org::org_of(&mock);
        org.tokens().warm_up().await.expect("a token");
    }
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test]
async fn the_key_depends_on_everything_that_selects_the_token_except_the_secret() {
    let mock = MockGenesys::new();
    let credentials =
        |id: &str, secret: &str| Credentials::new(id, secret.to_owned()).expect("well-formed");
    let source = |region: &Region, credentials: Credentials| {
        ClientCredentials::<_, _, Body>::new(region.clone(), credentials, mock.service())
    };
    let (ireland, gateway) = (Region::EU_WEST_1, |path: &str| {
        Region::custom(&format!("https://gw.example/{path}"), "https://gw.example").expect("a base")
    });
    let plain = || source(&ireland, credentials("id", "secret"));
    let (first, _) = plain().identify().await.expect("no error");
    let (rotated, _) = source(&ireland, credentials("id", "rotated"))
        .identify()
        .await
        .expect("no error");
    assert_eq!(first, rotated);
    let (a, b) = (("a", "1"), ("b", "2"));
    let with = |parameters: [(&str, &str); 2]| {
        let source = plain();
        { parameters.into_iter() }.fold(source, |source, (name, value)| {
            source.with_parameter(name, value.to_owned())
        })
    };
    let (one, _) = with([a, b]).identify().await.expect("no error");
    let (other, _) = with([b, a]).identify().await.expect("no error");
    assert_eq!(
        one, other,
        "the order in which they were added does not matter"
    );
    let mut keys = std::collections::HashSet::from([first, one]);
    for source in [
        source(&ireland, credentials("id2", "secret")),
        source(&Region::EU_CENTRAL_1, credentials("id", "secret")),
        source(&gateway("a"), credentials("id", "secret")),
        source(&gateway("b"), credentials("id", "secret")),
        with([("a", "2"), ("b", "1")]),
        with([("a", "1"), ("b2", "")]),
    ] {
        let (key, _) = source.identify().await.expect("no error");
        assert!(keys.insert(key), "{source:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_replaced_at_run_time_gets_its_own_token() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let id = Arc::new(Mutex::new("one"));
    let provider = {
        let id = Arc::clone(&id);
        credentials_fn(move || {
            let id = Arc::clone(&id);
            async move { Ok::<_, BoxError>(Credentials::new(*id.lock().await, "secret")?) }
        })
    };
    let mock_two = MockGenesys::builder().client("two", "secret").build();
    let mock = {
        drop(mock);
        MockGenesys::builder().client("one", "secret").build()
    };
    let (first, second) = (mock.service(), mock_two.service());
    let route = tower::service_fn(move |request: http::Request<Body>| {
        use base64_of::client_of;
        let service = match client_of(&request).as_str() {
            "one" => first.clone(),
            _ => second.clone(),
        };
        async move { tower::ServiceExt::oneshot(service, request).await }
    });
    let org = Org::builder(mock.region())
        .credentials(provider)
        .share(sharing(&store));
    let org = org.build::<Body>(route).expect("it can be shared");
    org.tokens().warm_up().await.expect("a token");
    *id.lock().await = "two";
    org.tokens().invalidate();
    // The renewal ends meanwhile.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(org.tokens().status().renewing.is_none());
    assert_eq!((mock.token_posts(), mock_two.token_posts()), (1, 1));
    assert_eq!(store.keys().len(), 2);
}

/// The client id of a token request.
mod base64_of {
    use base64::{Engine, engine::general_purpose::STANDARD};

    pub(crate) fn client_of<B>(request: &http::Request<B>) -> String {
        let basic = request.headers()["authorization"].to_str().expect("text");
        let pair = STANDARD.decode(&basic["Basic ".len()..]).expect("base64");
        let pair = String::from_utf8(pair).expect("text");
        pair.split(':').next().expect("an id").to_owned()
    }
}
