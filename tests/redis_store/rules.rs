//! The rules of `TokenStore`, one by one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tower_genesys::{
    store::{Fence, Lease, Lookup, TokenStore},
    token::Fingerprint,
};

use crate::{
    fixtures::real_time::{wait_until, wait_within},
    redis_server::RedisServer,
    setup::{
        LEASE, LIFE, ask, busy, claim, entry, expires, key, leased, publish, published, store,
        superseded, token,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_stores_that_ask_at_once_get_one_lease() {
    let server = RedisServer::start();
    for round in 0..5 {
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let store = store(server.url());
                tokio::spawn(async move { ask(&store, &claim()).await })
            })
            .collect();
        let (mut leased, mut busy) = (0, 0);
        for asked in asking {
            match asked.await.unwrap() {
                Lookup::Leased(_) => leased += 1,
                Lookup::Busy(left) => {
                    assert!(left <= LEASE);
                    busy += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((leased, busy), (1, 49), "round {round}");
        server.run::<()>(&["FLUSHALL"]);
    }
}

#[tokio::test]
async fn a_published_token_is_handed_out_to_all_unchanged() {
    let server = RedisServer::start();
    let (ours, theirs) = (store(server.url()), store(server.url()));
    let lease = leased(&ours, &claim()).await;
    let every_byte: Vec<u8> = (0..64 * 1024).map(|at| (at % 256) as u8).collect();
    let mut given = entry(&lease, "token");
    given.value = every_byte.clone().into();
    published(&ours, &lease, &given).await;

    let got = token(&theirs, &claim()).await;
    assert_eq!(got.value, every_byte);
    assert_eq!(
        (got.fence, got.fingerprint),
        (lease.fence, Fingerprint::of("token"))
    );
    assert_eq!(got.lifetime, LIFE);
    assert!(got.remaining <= LIFE && got.remaining > LIFE - Duration::from_secs(5));
}

#[tokio::test]
async fn a_token_may_be_empty() {
    let server = RedisServer::start();
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    published(&store, &lease, &entry(&lease, "")).await;
    assert_eq!(token(&store, &claim()).await.value, Bytes::new());
}

#[tokio::test]
async fn a_token_that_a_claim_does_not_accept_is_not_handed_out() {
    let server = RedisServer::start();
    let store = store(server.url());
    let fence = publish(&store, "token").await;

    let mut rejects = claim();
    rejects.rejected = Some(Fingerprint::of("token"));
    let lease = leased(&store, &rejects).await;
    assert!(lease.fence > fence);
    store.abandon(&key(), &lease, None).await.unwrap();

    let mut rejects_another = claim();
    rejects_another.rejected = Some(Fingerprint::of("another"));
    rejects_another.at_least = fence;
    token(&store, &rejects_another).await;

    let mut wants_newer = claim();
    wants_newer.at_least = fence.next();
    let newer = leased(&store, &wants_newer).await;
    assert!(newer.fence > fence.next());
    // Other claims still get the older token.
    token(&store, &claim()).await;
    published(&store, &newer, &entry(&newer, "newer")).await;
    assert_eq!(token(&store, &wants_newer).await.value, "newer");
}

#[tokio::test]
async fn a_token_near_its_end_is_not_handed_out_to_a_claim_for_more() {
    let server = RedisServer::start();
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    let mut old = entry(&lease, "old");
    old.remaining = LIFE / 10;
    published(&store, &lease, &old).await;

    let mut needs_more = claim();
    needs_more.min_remaining = LIFE / 9;
    leased(&store, &needs_more).await;
    needs_more.min_remaining = LIFE / 11;
    token(&store, &needs_more).await;

    needs_more.at_least = lease.fence.next();
    let lease = leased(&store, &needs_more).await;
    let mut half = entry(&lease, "half");
    half.remaining = LIFE / 2;
    published(&store, &lease, &half).await;
    // A claim gets a token with a fifth of its lifetime, even if it asks for
    // more.
    needs_more.min_remaining = LIFE;
    assert_eq!(token(&store, &needs_more).await.value, "half");
}

#[tokio::test]
async fn a_token_expires() {
    let server = RedisServer::start();
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    let mut short = entry(&lease, "short");
    short.remaining = Duration::from_millis(300);
    published(&store, &lease, &short).await;
    token(&store, &claim()).await;
    expires(&server, &names()[0], short.remaining).await;
    assert!(leased(&store, &claim()).await.fence > lease.fence);
}

#[tokio::test]
async fn a_publication_that_has_expired_removes_the_older_token() {
    let server = RedisServer::start();
    let store = store(server.url());
    let fence = publish(&store, "older").await;
    let mut newer = claim();
    newer.at_least = fence.next();
    let lease = leased(&store, &newer).await;
    let mut dead = entry(&lease, "dead");
    dead.remaining = Duration::from_nanos(1);
    published(&store, &lease, &dead).await;
    leased(&store, &claim()).await;
}

#[tokio::test]
async fn a_repeated_claim_of_the_owner_extends_its_lease() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut ours = claim();
    ours.lease = Duration::from_secs(2);
    let first = leased(&store, &ours).await;
    let (ahead, less) = (Duration::from_millis(300), Duration::from_millis(1750));
    wait_within(ahead, "the lease ages", async || {
        busy(&store, &claim()).await < less
    })
    .await;
    let again = leased(&store, &ours).await;
    assert_eq!(again.fence, first.fence);
    assert!(busy(&store, &claim()).await > less);
}

#[tokio::test]
async fn an_overtaken_lease_gets_a_new_fence() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut ours = claim();
    let first = leased(&store, &ours).await;
    ours.at_least = Fence::new(first.fence.get() + 1000);
    let newer = leased(&store, &ours).await;
    assert!(newer.fence > ours.at_least);

    // A token whose lease this store has not granted.
    let stranger = Lease::new(claim().owner, Fence::new(newer.fence.get() + 5));
    published(&store, &stranger, &entry(&stranger, "theirs")).await;
    ours.rejected = Some(Fingerprint::of("theirs"));
    assert!(leased(&store, &ours).await.fence > stranger.fence);
}

#[tokio::test]
async fn a_lease_expires_and_the_next_one_has_a_higher_fence() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut short = claim();
    short.lease = Duration::from_millis(200);
    let first = leased(&store, &short).await;
    let left = busy(&store, &claim()).await;
    assert!(left <= Duration::from_millis(200), "{left:?}");
    expires(&server, &names()[1], short.lease).await;
    assert!(leased(&store, &claim()).await.fence > first.fence);
}

#[tokio::test]
async fn a_lease_of_zero_is_granted() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut none = claim();
    none.lease = Duration::ZERO;
    leased(&store, &none).await;
}

#[tokio::test]
async fn a_late_publication_is_refused_and_gets_the_winners_token() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut frozen = claim();
    frozen.lease = Duration::from_millis(50);
    let late = leased(&store, &frozen).await;
    expires(&server, &names()[1], frozen.lease).await;
    publish(&store, "winner").await;

    let theirs = superseded(&store, &late, &entry(&late, "late")).await;
    assert_eq!(theirs.value, "winner");
    assert_eq!(token(&store, &claim()).await.value, "winner");
}

#[tokio::test]
async fn a_publication_without_a_lease_is_accepted_under_a_higher_fence() {
    let server = RedisServer::start();
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    server.run::<()>(&["FLUSHALL"]);
    published(&store, &lease, &entry(&lease, "first")).await;
    // Repeated, as after a lost answer.
    let again = superseded(&store, &lease, &entry(&lease, "second")).await;
    assert_eq!(again.value, "first");
}

#[tokio::test]
async fn a_publication_ends_its_lease_and_no_other() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut short = claim();
    short.lease = Duration::from_millis(50);
    let late = leased(&store, &short).await;
    expires(&server, &names()[1], short.lease).await;
    // The same process gets another lease, and then its first publication
    // arrives.
    short.lease = LEASE;
    let second = leased(&store, &short).await;
    published(&store, &late, &entry(&late, "late")).await;
    let mut newer = claim();
    newer.at_least = late.fence.next();
    busy(&store, &newer).await;
    published(&store, &second, &entry(&second, "second")).await;
    newer.at_least = second.fence.next();
    leased(&store, &newer).await;
}

#[tokio::test]
async fn only_the_owner_abandons_a_lease() {
    let server = RedisServer::start();
    let store = store(server.url());
    let ours = claim();
    let lease = leased(&store, &ours).await;
    let stranger = Lease::new(claim().owner, lease.fence);
    let minute = Some(Duration::from_secs(60));
    store.abandon(&key(), &stranger, minute).await.unwrap();
    busy(&store, &claim()).await;

    store.abandon(&key(), &lease, None).await.unwrap();
    // A lease that has ended sets no cooldown.
    store.abandon(&key(), &lease, minute).await.unwrap();
    assert!(leased(&store, &claim()).await.fence > lease.fence);
}

#[tokio::test]
async fn a_cooldown_grants_no_lease_and_still_hands_out_the_token() {
    let server = RedisServer::start();
    let store = store(server.url());
    let fence = publish(&store, "token").await;
    let mut newer = claim();
    newer.at_least = fence.next();
    let lease = leased(&store, &newer).await;
    let cooldown = Duration::from_millis(600);
    store.abandon(&key(), &lease, Some(cooldown)).await.unwrap();

    match ask(&store, &newer).await {
        Lookup::Cooldown(left) => assert!(left <= cooldown && left > cooldown / 3, "{left:?}"),
        other => panic!("{other:?}"),
    }
    token(&store, &claim()).await;
    expires(&server, &names()[2], cooldown).await;
    assert!(leased(&store, &newer).await.fence > lease.fence);
}

#[tokio::test]
async fn a_cooldown_is_never_shortened() {
    let server = RedisServer::start();
    let store = store(server.url());
    let ours = claim();
    let lease = leased(&store, &ours).await;
    let [_, name, cooldown, _] = names();
    // The cooldown of an earlier lease: two leases never run at the same time.
    server.run::<()>(&["SET", &cooldown, "1", "PX", "60000"]);
    let short = Some(Duration::from_millis(10));
    store.abandon(&key(), &lease, short).await.unwrap();
    assert!(server.run::<i64>(&["PTTL", &cooldown]) > 50_000);

    let owner = format!("{:032x}", u128::from_be_bytes(*ours.owner.as_bytes()));
    let mine = format!("{owner} {}", lease.fence.get());
    server.run::<()>(&["SET", &name, &mine, "PX", "10000"]);
    let long = Some(Duration::from_secs(120));
    store.abandon(&key(), &lease, long).await.unwrap();
    assert!(server.run::<i64>(&["PTTL", &cooldown]) > 110_000);
}

#[tokio::test]
async fn fences_are_not_below_the_clock_and_grow_after_a_flush() {
    let server = RedisServer::start();
    let store = store(server.url());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let first = publish(&store, "token").await;
    assert!(u128::from(first.get()) >= now.as_millis());
    server.run::<()>(&["FLUSHALL"]);
    // Fences begin with the milliseconds of the server's clock.
    wait_until("the server's clock moves on", async || {
        let [seconds, micros]: [u64; 2] = server.run(&["TIME"]);
        seconds * 1000 + micros / 1000 > first.get()
    })
    .await;
    let second = publish(&store, "token").await;
    assert!(second > first);
    // Within a millisecond, and after the clock was set back, the last fence
    // decides.
    let ahead = second.get() + 3_600_000;
    let [_, _, _, fence] = names();
    server.run::<()>(&["SET", &*fence, &ahead.to_string(), "PX", "60000"]);
    let mut newer = claim();
    newer.at_least = second.next();
    assert_eq!(leased(&store, &newer).await.fence.get(), ahead + 1);
}

#[tokio::test]
async fn fences_are_exact_beyond_the_precision_of_the_servers_numbers() {
    let server = RedisServer::start();
    let store = store(server.url());
    let digits = [
        9_007_199_254_740_992, // 2^53, where doubles end
        9_007_199_254_740_994,
        9_999_999_999_999_999,
        99_999_999_999_999_999,
        1_999_999_999_999_999_999,
        u64::MAX - 2,
    ];
    for number in digits {
        let mut far = claim();
        far.at_least = Fence::new(number);
        let lease = leased(&store, &far).await;
        assert_eq!(lease.fence.get(), number + 1);
        published(&store, &lease, &entry(&lease, "far")).await;
        let got = token(&store, &far).await;
        assert_eq!(got.fence.get(), number + 1);
        let older = Lease::new(far.owner, far.at_least);
        superseded(&store, &older, &entry(&older, "older")).await;
    }
    let mut last = claim();
    last.at_least = Fence::new(u64::MAX);
    assert_eq!(leased(&store, &last).await.fence.get(), u64::MAX);
}

#[tokio::test]
async fn the_longest_times_are_accepted() {
    let server = RedisServer::start();
    let store = store(server.url());
    let mut long = claim();
    long.lease = Duration::MAX;
    let lease = leased(&store, &long).await;
    let mut endless = entry(&lease, "endless");
    (endless.lifetime, endless.remaining) = (Duration::MAX, Duration::MAX);
    published(&store, &lease, &endless).await;
    long.min_remaining = Duration::MAX;
    long.at_least = lease.fence.next();
    let lease = leased(&store, &long).await;
    let cooldown = Some(Duration::MAX);
    store.abandon(&key(), &lease, cooldown).await.unwrap();
}

/// The names of the keys, as an operator finds them.
pub(crate) fn names() -> [String; 4] {
    ["token", "lease", "cooldown", "fence"]
        .map(|what| format!("tower-genesys:1:{{{}}}:{what}", key()))
}
