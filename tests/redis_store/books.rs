//! The book of a shared limit, on a real server.

use std::time::Duration;

use tower_genesys::store::{
    Owner, StoreErrorKind,
    book::{Grant, Refusal, Reservation, SlotBook, Terms},
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    redis_server::{Mode, Proxy, RedisServer},
    setup::{documented_rules, key, store},
};

const TERMS: Terms = Terms::new(300, 75);

fn ask(want: u32) -> Reservation {
    let owner = Owner::random().expect("the system has randomness");
    Reservation::new(owner, Some(TERMS), want)
}

async fn granted(store: &RedisStore, ask: &Reservation) -> Grant {
    let grant = store.reserve(&key(), ask).await.expect("it can be asked");
    grant.expect("a limit is stated")
}

#[tokio::test]
async fn all_keys_have_one_tag_and_expire() {
    let server = RedisServer::start();
    let store = store(server.url());
    granted(&store, &ask(3)).await;
    let refusal = Refusal::new(TERMS, Duration::from_secs(40));
    store
        .refuse(&key(), &refusal)
        .await
        .expect("it can be told");
    granted(&store, &ask(3)).await;
    let names = server.keys();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        assert!(name.contains(&format!(":{{{}}}:", key())), "{name}");
        let left: i64 = server.run(&["PTTL", &name]);
        assert!((100_000..=170_000).contains(&left), "{name}: {left}");
    }
}

#[tokio::test]
async fn implausible_fields_are_replaced_and_cost_no_request() {
    let server = RedisServer::start();
    let store = store(server.url());
    granted(&store, &ask(5)).await;
    let all = server.keys();
    let book = all.iter().find(|name| name.ends_with(":book"));
    let book = book.expect("there is one").clone();
    for (field, value) in [
        ("limit", "0"),
        ("limit", "nonsense"),
        ("closed", "9999999999999999"),
        ("credit", "-5"),
        ("last", "1.5"),
        ("next", ""),
    ] {
        server.run::<()>(&["HSET", &book, field, value]);
        let grant = granted(&store, &ask(2)).await;
        assert_eq!(grant.replaces, Some(StoreErrorKind::Corrupt), "{field}");
        assert_eq!(grant.slots.len(), 2);
        assert_eq!(granted(&store, &ask(1)).await.replaces, None);
    }
    server.run::<()>(&["HSET", &book, "version", "2"]);
    let grant = granted(&store, &ask(1)).await;
    assert_eq!(grant.replaces, Some(StoreErrorKind::Incompatible));
    for name in &all {
        server.run::<()>(&["SET", name, "a value of another type"]);
        let grant = granted(&store, &ask(2)).await;
        assert_eq!((grant.slots.len(), grant.limit), (2, 300), "{name}");
    }
}

/// If the connection breaks after the server has run a script, the script is
/// repeated once. The slots of the first run are lost: no process sends at
/// these times, and they count towards the limit.
#[tokio::test]
async fn a_repeated_reservation_loses_slots_and_overruns_no_limit() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let (ours, others) = (store(proxy.url()), store(server.url()));
    let limit = 20;
    let ask = |want| {
        let mut ask = ask(want);
        ask.terms = Some(Terms::new(limit, limit));
        ask
    };
    let ours_ask = ask(4);
    let first = granted(&ours, &ours_ask).await;
    let mut again = ours_ask.clone();
    // The first run gives one slot back, and the second run must not do so
    // again.
    again.returned = vec![first.slots[0]];
    let before = server.calls("evalsha");
    proxy.set(Mode::CutReply);
    let second = granted(&ours, &again).await;
    assert_eq!(server.calls("evalsha") - before, 2, "it ran twice");
    assert_eq!((proxy.replies_lost(), second.slots.len()), (1, 4));

    let mut slots = [first.slots, second.slots].concat();
    let window = u64::try_from(Terms::WINDOW.as_micros()).expect("a minute");
    let end = slots[0] + window;
    // Others take all slots that are left within the window.
    while slots.iter().all(|slot| *slot < end) {
        slots.extend(granted(&others, &ask(100)).await.slots);
    }
    slots.retain(|slot| *slot < end);
    let in_window = slots.len();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), in_window, "no slot was handed out twice");
    // Of the limit, four slots are lost, and one was handed out twice: it went
    // back in between.
    assert_eq!(slots.len(), limit as usize + 1 - 4);
}

#[tokio::test]
async fn a_repeated_refusal_does_not_extend_the_closing() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let (ours, others) = (store(proxy.url()), store(server.url()));
    let refuse = async |wait| {
        let told = ours.refuse(&key(), &Refusal::new(TERMS, wait)).await;
        told.expect("it can be told");
    };
    // The server learns the script.
    refuse(Duration::from_millis(1)).await;
    let before = server.calls("evalsha");
    proxy.set(Mode::CutReply);
    let wait = Duration::from_secs(40);
    refuse(wait).await;
    assert_eq!(server.calls("evalsha") - before, 2, "it ran twice");
    let closed = granted(&others, &ask(1)).await.closed;
    assert!(
        closed <= wait && closed > Duration::from_secs(38),
        "{closed:?}"
    );
}

#[tokio::test]
async fn a_check_names_each_command_that_is_missing() {
    let server = RedisServer::start();
    let mut rules = documented_rules();
    let token = rules.next().expect("the rights of a token");
    let limit = rules.find(|rule| rule.starts_with("+hmget"));
    let limit = limit.expect("the rights of a limit");
    let set = |rules: &str| {
        let rules = rules.replace(">password", ">s3cr3t");
        let words = ["ACL", "SETUSER", "genesys"]
            .into_iter()
            .chain(rules.split(' '));
        server.run::<()>(&words.collect::<Vec<_>>());
    };
    set(token);
    let store = store(server.url_of("genesys", "s3cr3t"));
    store.check().await.expect("a token needs no more");
    let error = store.check_limit().await.expect_err("a limit does");
    assert_eq!(error.kind(), RedisStoreErrorKind::Permission);
    for command in limit.split(' ') {
        let name = command.trim_start_matches('+').to_uppercase();
        assert!(error.to_string().contains(&name), "{name}: {error}");
    }
    set(limit);
    store.check_limit().await.expect("all of them");
    // Each of them is necessary.
    for command in limit.split(' ') {
        set(&command.replace('+', "-"));
        let error = store.check_limit().await.expect_err(command);
        let name = command.trim_start_matches('+').to_uppercase();
        assert!(error.to_string().contains(&name), "{name}: {error}");
        set(command);
        let is_kept = |key: &String| server.run::<i64>(&["PTTL", key]) == -1;
        let kept: Vec<_> = server.keys().into_iter().filter(is_kept).collect();
        assert!(kept.is_empty(), "{name}: {kept:?}");
    }
}
