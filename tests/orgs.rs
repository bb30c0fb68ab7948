//! Is the organisation of a key built once, kept while it is in use, and closed
//! when it is idle?

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use tokio::time::{advance, sleep};
use tower_genesys::{
    BoxError, Org, Region,
    genesys::{
        ConfigErrorKind,
        orgs::{Orgs, OrgsBuilder, OrgsErrorKind},
    },
    token::{IssuedToken, TokenErrorKind, TokenProvider, source_fn},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Builds organisations, a second each. The next `fails` builds fail, and the
/// next `panics` builds panic.
#[derive(Clone, Default)]
struct Tenants {
    builds: Arc<Mutex<Vec<u32>>>,
    fails: Arc<AtomicUsize>,
    panics: Arc<AtomicUsize>,
}

impl Tenants {
    fn builder(&self) -> OrgsBuilder<u32> {
        let tenants = self.clone();
        Orgs::builder(move |key| tenants.clone().build(key))
    }

    fn builds(&self) -> usize {
        self.builds.lock().unwrap().len()
    }

    async fn build(self, key: u32) -> Result<Org, BoxError> {
        self.builds.lock().unwrap().push(key);
        sleep(Duration::from_secs(1)).await;
        let one = |count: &AtomicUsize| {
            let less = |left: usize| left.checked_sub(1);
            let order = Ordering::SeqCst;
            count.fetch_update(order, order, less).is_ok()
        };
        assert!(!one(&self.panics), "no idea");
        if one(&self.fails) {
            return Err("the vault is sealed".into());
        }
        Ok(org(key))
    }
}

/// An organisation whose token names its key.
fn org(key: u32) -> Org {
    let source =
        source_fn(
            move |_cx| async move { Ok(IssuedToken::new(format!("token-of-{key}"), 24 * HOUR)) },
        );
    Org::builder(Region::EU_WEST_1)
        .build_from_source(source)
        .unwrap()
}

async fn token(org: &Org) -> String {
    org.tokens().token().await.unwrap().expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_concurrent_callers_share_one_build() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().build().unwrap();
    let all = join_all((0..1000).map(|_| orgs.get(&7))).await;
    assert_eq!((all.len(), tenants.builds(), orgs.len()), (1000, 1, 1));
    let tokens: HashSet<_> = join_all(all.iter().map(|org| token(org.as_ref().unwrap())))
        .await
        .into_iter()
        .collect();
    assert_eq!(tokens, HashSet::from(["token-of-7".to_owned()]));
    orgs.get(&7).await.unwrap();
    assert_eq!(tenants.builds(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_key_ever_gets_the_organisation_of_another() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().capacity(8).build().unwrap();
    for round in 0..50_u32 {
        let keys = (0..8).map(|n| (round * 3 + n) % 24);
        let all = join_all(keys.map(|key| {
            let orgs = &orgs;
            async move { (key, token(&orgs.get(&key).await.unwrap()).await) }
        }));
        for (key, token) in all.await {
            assert_eq!(token, format!("token-of-{key}"));
        }
        assert_eq!(orgs.len(), 8);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_build_is_an_error_for_all_callers_and_is_repeated_later() {
    let tenants = Tenants::default();
    tenants.fails.store(1, Ordering::SeqCst);
    let orgs = tenants.builder().build().unwrap();
    let all = join_all((0..10).map(|_| orgs.get(&7))).await;
    for result in all {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), OrgsErrorKind::Build);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the vault is sealed");
    }
    assert_eq!((tenants.builds(), orgs.len()), (1, 0));
    orgs.get(&7).await.unwrap();
    assert_eq!((tenants.builds(), orgs.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_build_that_panics_is_an_error_for_all_callers_and_is_repeated_later() {
    let tenants = Tenants::default();
    tenants.panics.store(1, Ordering::SeqCst);
    let orgs = tenants.builder().build().unwrap();
    for result in join_all((0..10).map(|_| orgs.get(&7))).await {
        assert_eq!(result.unwrap_err().kind(), OrgsErrorKind::Panicked);
    }
    orgs.get(&7).await.unwrap();
    assert_eq!((tenants.builds(), orgs.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_build_outlives_its_first_caller_and_ends_with_the_last() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().build().unwrap();
    let mut first = Box::pin(orgs.get(&7));
    assert!((&mut first).now_or_never().is_none());
    let mut second = Box::pin(orgs.get(&7));
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    second.await.unwrap();
    assert_eq!((tenants.builds(), orgs.len()), (1, 1));

    let mut alone = Box::pin(orgs.get(&8));
    assert!((&mut alone).now_or_never().is_none());
    drop(alone);
    orgs.get(&8).await.unwrap();
    assert_eq!((tenants.builds(), orgs.len()), (3, 2));
    // An abandoned build takes no place.
    let small = tenants.builder().capacity(1).build().unwrap();
    let mut alone = Box::pin(small.get(&1));
    assert!((&mut alone).now_or_never().is_none());
    drop(alone);
    small.get(&2).await.unwrap();
    // A call that was never polled leaves nothing either.
    drop(orgs.get(&9));
    assert!(orgs.try_get(&9).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_idle_organisation_is_closed_and_one_in_use_is_not() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().idle(HOUR).build().unwrap();
    let idle = orgs.get(&1).await.unwrap();
    let tokens = idle.tokens().clone();
    drop(idle);
    let used = orgs.get(&2).await.unwrap();
    advance(HOUR / 2).await;
    drop(orgs.get(&3).await.unwrap());
    assert_eq!((orgs.close_idle(), orgs.len()), (0, 3));

    // The first call after the idle time closes the idle organisation.
    advance(HOUR / 2).await;
    drop(orgs.get(&3).await.unwrap());
    assert_eq!(orgs.len(), 2);
    assert!(tokens.status().closed && !used.tokens().status().closed);
    let error = tokens.token().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Closed);
    assert_eq!(token(&orgs.get(&1).await.unwrap()).await, "token-of-1");
    assert_eq!(tenants.builds(), 4);

    // An organisation in use stays, although no call has asked for it.
    advance(2 * HOUR).await;
    assert_eq!((orgs.close_idle(), orgs.len()), (2, 1));
    assert!(orgs.try_get(&2).is_some() && !used.tokens().status().closed);
}

#[tokio::test(start_paused = true)]
async fn a_full_registry_evicts_the_least_recently_used_idle_organisation() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().capacity(3).build().unwrap();
    for key in [1, 2, 3] {
        drop(orgs.get(&key).await.unwrap());
    }
    drop(orgs.get(&1).await.unwrap());
    let _third = orgs.get(&3).await.unwrap();
    drop(orgs.get(&4).await.unwrap());
    let held = [1, 2, 3, 4].map(|key| orgs.try_get(&key).is_some());
    assert_eq!((held, orgs.len()), ([true, false, true, true], 3));
}

#[tokio::test(start_paused = true)]
async fn a_registry_full_of_organisations_in_use_is_an_error() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().capacity(2).build().unwrap();
    let kept = join_all([1, 2].iter().map(|key| orgs.get(key))).await;
    let error = orgs.get(&3).await.unwrap_err();
    assert_eq!((error.kind(), tenants.builds()), (OrgsErrorKind::Full, 2));
    assert!(
        error.to_string().contains("OrgsBuilder::capacity"),
        "{error}"
    );
    drop(kept);
    orgs.get(&3).await.unwrap();
    assert_eq!(orgs.len(), 2);

    // Builds in progress count too.
    let (one, other, third) = tokio::join!(orgs.get(&4), orgs.get(&5), orgs.get(&6));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(third.unwrap_err().kind(), OrgsErrorKind::Full);
}

#[tokio::test(start_paused = true)]
async fn a_removed_organisation_is_rebuilt_and_still_serves_its_users() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().build().unwrap();
    let before = orgs.get(&7).await.unwrap();
    assert!(orgs.remove(&7).is_some() && orgs.remove(&7).is_none());
    orgs.get(&7).await.unwrap();
    assert_eq!((tenants.builds(), orgs.len()), (2, 1));
    assert_eq!(token(&before).await, "token-of-7");

    let mut building = Box::pin(orgs.get(&8));
    assert!((&mut building).now_or_never().is_none());
    assert!(orgs.remove(&8).is_none());
    building.await.unwrap();
    assert!(orgs.try_get(&8).is_none(), "it is not kept");
}

#[tokio::test(start_paused = true)]
async fn a_closed_registry_closes_its_organisations_and_builds_none() {
    let tenants = Tenants::default();
    let orgs = tenants.builder().build().unwrap();
    let held = orgs.get(&1).await.unwrap();
    assert_eq!(token(&held).await, "token-of-1");
    let mut building = Box::pin(orgs.get(&2));
    assert!((&mut building).now_or_never().is_none());
    orgs.close().await;
    assert!(held.tokens().status().closed && held.tokens().try_current().is_some());
    assert_eq!(building.await.unwrap_err().kind(), OrgsErrorKind::Closed);
    assert_eq!(
        orgs.get(&1).await.unwrap_err().kind(),
        OrgsErrorKind::Closed
    );
    assert_eq!((tenants.builds(), orgs.len()), (2, 0));
}

#[test]
fn limits_of_zero_are_errors_that_name_the_setting() {
    let tenants = Tenants::default();
    for (builder, setting) in [
        (tenants.builder().capacity(0), "OrgsBuilder::capacity"),
        (tenants.builder().idle(Duration::ZERO), "OrgsBuilder::idle"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Registry);
        assert!(error.to_string().contains(setting), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_get_drop_and_close_do_not_hang_or_mix_organisations() {
    let orgs = Orgs::builder(|key: u32| async move {
        tokio::task::yield_now().await;
        Ok::<_, BoxError>(org(key))
    });
    let orgs = orgs
        .capacity(16)
        .idle(Duration::from_millis(1))
        .build()
        .unwrap();
    let tasks = (0..8_u32).map(|task| {
        let orgs = orgs.clone();
        tokio::spawn(async move {
            let mut rng = fastrand::Rng::with_seed(u64::from(task));
            for _ in 0..2000 {
                let key = rng.u32(0..32);
                let mut getting = Box::pin(orgs.get(&key));
                if rng.bool() && (&mut getting).now_or_never().is_none() {
                    continue;
                }
                match (Box::pin(orgs.get(&key)).await, rng.u8(0..16)) {
                    (_, 0) => drop(orgs.close_idle()),
                    (_, 1) => drop(orgs.remove(&key)),
                    (Ok(org), 2) => assert_eq!(token(&org).await, format!("token-of-{key}")),
                    (Err(error), _) => assert_eq!(error.kind(), OrgsErrorKind::Full),
                    _ => {}
                }
                assert!(orgs.len() <= 16);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
