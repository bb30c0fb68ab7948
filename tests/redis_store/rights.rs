//! The rights that a user of the server needs, and the errors without them.

use tower_genesys::store::{
    StoreErrorKind, TokenStore,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    redis_server::RedisServer,
    setup::{claim, documented_rules, entry, key, leased, published, shown, store, token, try_ask},
};

const PASSWORD: &str = "s3cr3t";

/// The words of the documented rule for a token.
fn documented() -> Vec<String> {
    let rule = documented_rules().next().expect("it is documented");
    rule.split(' ').map(str::to_owned).collect()
}

fn set_user(server: &RedisServer, rules: &[String]) {
    let mut command = vec![
        "ACL".to_owned(),
        "SETUSER".into(),
        "genesys".into(),
        "reset".into(),
    ];
    command.extend_from_slice(rules);
    for word in &mut command {
        if word.starts_with('>') {
            *word = format!(">{PASSWORD}");
        }
    }
    server.run::<()>(&command);
}

#[tokio::test]
async fn the_documented_rights_are_sufficient() {
    let server = RedisServer::start();
    set_user(&server, &documented());
    for url in [
        server.url_of("genesys", PASSWORD),
        format!("{}/?protocol=resp3", server.url_of("genesys", PASSWORD)),
    ] {
        let store = RedisStore::builder(url).connect().await.unwrap();
        let lease = leased(&store, &claim()).await;
        published(&store, &lease, &entry(&lease, "token")).await;
        token(&store, &claim()).await;
        let mut newer = claim();
        newer.at_least = lease.fence.next();
        let lease = leased(&store, &newer).await;
        let cooldown = Some(std::time::Duration::from_millis(1));
        store.abandon(&key(), &lease, cooldown).await.unwrap();
        server.run::<()>(&["FLUSHDB"]);
    }
    let log: Vec<redis::Value> = server.run(&["ACL", "LOG"]);
    assert!(log.is_empty(), "the server has refused nothing: {log:?}");
}

#[test]
fn the_page_for_operators_has_the_same_rule() {
    let page = include_str!("../../docs/operating.md");
    let rule = format!("\nACL SETUSER genesys {}\n", documented().join(" "));
    assert!(page.contains(&rule), "{rule}");
}

#[tokio::test]
async fn each_documented_right_is_necessary() {
    let server = RedisServer::start();
    let all = documented();
    let commands: Vec<_> = all
        .iter()
        .filter_map(|rule| rule.strip_prefix('+'))
        .collect();
    assert_eq!(commands.len(), 7, "{commands:?}");
    for command in commands {
        let mut rules = all.clone();
        rules.push(format!("-{command}"));
        set_user(&server, &rules);
        server.run::<()>(&["SCRIPT", "FLUSH"]);
        let store = store(server.url_of("genesys", PASSWORD));
        let error = store.check().await.unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::Permission, "{command}");
        if !command.starts_with("eval") {
            let upper = command.to_uppercase();
            assert!(error.to_string().contains(&upper), "{command}: {error}");
        }
        assert!(!shown(&error).contains(PASSWORD));
    }
}

#[tokio::test]
async fn one_error_names_all_missing_commands() {
    let server = RedisServer::start();
    let mut rules = documented();
    rules.extend(["-get".to_owned(), "-time".to_owned()]);
    set_user(&server, &rules);
    let url = server.url_of("genesys", PASSWORD);
    let error = RedisStore::builder(url).connect().await.unwrap_err();
    assert!(error.to_string().contains("GET, TIME"), "{error}");
}

#[tokio::test]
async fn other_keys_are_out_of_reach() {
    let server = RedisServer::start();
    set_user(&server, &documented());
    let other = RedisStore::builder(server.url_of("genesys", PASSWORD))
        .prefix("other")
        .build()
        .unwrap();
    let error = other.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Permission);
    let error = try_ask(&other, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
}

#[tokio::test]
async fn a_user_without_rights_is_denied_and_works_once_it_has_them() {
    let server = RedisServer::start();
    set_user(&server, &["on".into(), format!(">{PASSWORD}")]);
    let store = store(server.url_of("genesys", PASSWORD));
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(error.to_string().contains("may not"), "{error}");

    let mut rules = documented();
    rules.push("-set".into());
    set_user(&server, &rules);
    let error = crate::faults::until_error(&store, StoreErrorKind::Denied).await;
    assert!(!shown(&error).contains(PASSWORD));

    set_user(&server, &documented());
    crate::setup::eventually(&store, &claim()).await;
}
