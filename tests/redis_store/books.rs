//! The book of a shared limit, on a real server.

use tower_genesys::store::{
    Owner, StoreErrorKind, StoreFuture, StoreKey,
    book::{Grant, Refusal, Reservation, SlotBook, Terms},
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    redis_server::RedisServer,
    setup::{key, store},
};

/// A book with the server that it is on.
struct Served {
    store: RedisStore,
    _server: RedisServer,
}

impl SlotBook for Served {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        self.store.reserve(key, reservation)
    }

    fn refuse<'a>(
        &'a self,
        key: &'a StoreKey,
        refusal: &'a Refusal,
    ) -> StoreFuture<'a, std::time::Duration> {
        self.store.refuse(key, refusal)
    }
}

tower_genesys::book_conformance! {
    #[tokio::test]
    async {
        let server = RedisServer::start();
        Served { store: store(server.url()), _server: server }
    }
}

const TERMS: Terms = Terms::new(300, 75);

fn ask(want: u32) -> Reservation {
    let owner = Owner::random().expect("the system has randomness");
    Reservation::new(owner, Some(TERMS), want)
}

async fn granted(store: &RedisStore, ask: &Reservation) -> Grant {
    let grant = store.reserve(&key(), ask).await.expect("it can be asked");
    grant.expect("a limit is stated")
}

fn names(server: &RedisServer) -> Vec<String> {
    let mut names: Vec<String> = server.run(&["KEYS", "*"]);
    names.sort();
    names
}

#[tokio::test]
async fn all_keys_have_one_tag_and_expire() {
    let server = RedisServer::start();
    let store = store(server.url());
    granted(&store, &ask(3)).await;
    let refusal = Refusal::new(TERMS, std::time::Duration::from_secs(40));
    store
        .refuse(&key(), &refusal)
        .await
        .expect("it can be told");
    granted(&store, &ask(3)).await;
    let names = names(&server);
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        assert!(name.contains(&format!(":{{{}}}:", key())), "{name}");
        let left: i64 = server.run(&["PTTL", &name]);
        assert!((100_000..=170_000).contains(&left), "{name}: {left}");
    }
}

#[tokio::test]
async fn what_no_process_would_write_is_replaced_and_costs_no_request() {
    let server = RedisServer::start();
    let store = store(server.url());
    granted(&store, &ask(5)).await;
    let all = names(&server);
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

#[tokio::test]
async fn a_check_names_each_command_that_is_missing() {
    let server = RedisServer::start();
    let docs = include_str!("../../src/store/redis/mod.rs");
    let mut rules = docs
        .lines()
        .filter_map(|line| line.strip_prefix("//! ACL SETUSER genesys "));
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
    // Each of them is needed.
    for command in limit.split(' ') {
        set(&command.replace('+', "-"));
        let error = store.check_limit().await.expect_err(command);
        let name = command.trim_start_matches('+').to_uppercase();
        assert!(error.to_string().contains(&name), "{name}: {error}");
        set(command);
    }
}
