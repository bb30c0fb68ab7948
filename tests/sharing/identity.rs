//! Credentials in a vault that hangs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::time::{Instant, sleep, timeout};
use tower_genesys::{
    Sharing, TokenCache, TokenError,
    store::{Fault, ShareableSource, SharedSource, StoreErrorKind, StoreKey},
    token::{FetchContext, IssuedToken, Reason, TokenErrorKind, TokenSource},
};

use crate::setup::*;

/// A source that reads its credentials before each request.
#[derive(Clone)]
struct Vault {
    endpoint: Endpoint,
    /// How many of the next reads hang.
    hangs: Arc<AtomicUsize>,
}

impl Vault {
    fn new(fleet: &Fleet, hangs: usize) -> Self {
        Self {
            endpoint: fleet.endpoint.clone(),
            hangs: Arc::new(hangs.into()),
        }
    }

    fn shared(&self, sharing: Sharing) -> SharedSource<Self> {
        SharedSource::identified(self.clone(), sharing).expect("it can be shared")
    }
}

impl TokenSource for Vault {
    async fn fetch(&self, _: FetchContext) -> Result<IssuedToken, TokenError> {
        unreachable!("it is shared")
    }

    fn login_host(&self) -> Option<&str> {
        self.endpoint.login_host()
    }
}

impl ShareableSource for Vault {
    type Identity = ();

    async fn identify(&self) -> Result<(StoreKey, ()), TokenError> {
        let one_less = |hangs: usize| hangs.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.hangs.fetch_update(set, get, one_less).is_ok() {
            std::future::pending::<()>().await;
        }
        Ok((key(), ()))
    }

    async fn fetch_as(&self, _: &(), cx: FetchContext) -> Result<IssuedToken, TokenError> {
        self.endpoint.fetch(cx).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_hangs_times_out_like_a_request_and_is_named() {
    let sharing = |fleet: &Fleet| fleet.sharing(&[("key", 1)]);
    for (attempt, patience, expected) in [
        (None, seconds(15), seconds(9)),
        (Some(seconds(2)), seconds(15), seconds(2)),
        (None, seconds(5), millis(4950)),
    ] {
        let fleet = Fleet::of(0);
        let sharing = match attempt {
            Some(attempt) => sharing(&fleet).with_attempt_timeout(attempt),
            None => sharing(&fleet),
        };
        let source = Vault::new(&fleet, 1).shared(sharing);
        let begun = Instant::now();
        let cx = FetchContext::new(Reason::Missing, begun + patience);
        let fetched = timeout(patience, source.fetch(cx)).await;
        let error = fetched.expect("in time").expect_err("it hangs");
        assert_eq!(error.kind(), TokenErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), expected);
        assert_eq!(error.login_host(), Some("login.example"));
        assert!(error.to_string().contains("the credentials"), "{error}");
        assert_eq!((fleet.endpoint.posts(), fleet.store.all_calls()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_read_of_the_vault_is_repeated_before_callers_give_up() {
    let fleet = Fleet::of(0);
    let sharing = fleet.sharing(&[("key", 1)]);
    let process = TokenCache::new(Vault::new(&fleet, 1).shared(sharing));
    let begun = Instant::now();
    process.token().await.expect("a token");
    let took = begun.elapsed();
    assert!(took > seconds(9) && took < seconds(10), "{took:?}");
    assert_eq!(fleet.endpoint.posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_hangs_during_a_check_costs_no_token() {
    let fleet = Fleet::of(0);
    fleet
        .store
        .inject_all(Fault::Fail(StoreErrorKind::Unavailable));
    let vault = Vault::new(&fleet, 0);
    let source = vault.shared(fleet.sharing(&[("key", 1)]));
    let cx = |reason| FetchContext::new(reason, Instant::now() + seconds(15));
    let alone = source.fetch(cx(Reason::Missing)).await.expect("a token");
    sleep(seconds(10)).await;
    vault.hangs.store(1, Ordering::SeqCst);
    let begun = Instant::now();
    let kept = timeout(seconds(15), source.fetch(cx(Reason::Check))).await;
    let kept = kept.expect("in time").expect("the same one");
    assert_eq!(kept.expose(), alone.expose());
    assert_eq!((begun.elapsed(), fleet.endpoint.posts()), (seconds(9), 1));
    assert!(kept.check_in().is_some(), "another check follows");
}
