use redis::ConnectionAddr;

use super::*;
use crate::store::redis::{
    RedisStoreError, RedisStoreErrorKind as Kind,
    topology::{CertificateSettings, Topology, TopologySettings},
};

fn topology(url: &str) -> Result<Topology, RedisStoreError> {
    Topology::new(&TopologySettings {
        setting: "REDIS_URL",
        url,
        certificates: &CertificateSettings::default(),
        sentinel_login: None,
    })
}

fn refused(url: &str) -> String {
    let error = topology(url).err().expect(url);
    assert_eq!(error.kind(), Kind::Url, "{url}");
    let message = error.to_string();
    assert!(message.starts_with("REDIS_URL "), "{message}");
    assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    message
}

#[test]
fn what_cannot_be_a_server_is_refused_and_not_shown() {
    for (url, says) in [
        ("", "no known scheme"),
        ("s3cr3t", "no known scheme"),
        ("s3cr3t@host:6379", "no known scheme"),
        ("http://:s3cr3t@host", "no known scheme"),
        ("redis://", "no host"),
        ("redis://:s3cr3t@", "not a URL"),
        ("redis://:s3cr3t@host:port", "not a URL"),
        ("redis://:s3cr3t/@host", "not a URL"),
        ("redis://:s3cr3t@host:99999", "not a URL"),
        ("redis://:s3cr3t@host/database", "database"),
        ("redis://:s3cr3t@host/-1", "below 0"),
        ("redis://:s3cr3t@host/1/2", "database"),
        ("redis://:s3cr3t@0.0.0.0", "invalid host"),
        ("redis://:%FFs3cr3t@host", "invalid host"),
        ("redis://s3cr3t@host", "without a password"),
        ("redis://:s3cr3t@host/?timeout=5", "option"),
        ("redis://:s3cr3t@host/?db=5", "option"),
        ("redis://:s3cr3t@host/?protocol=resp4", "protocol"),
        ("rediss://:s3cr3t@host/#insecure", "certificate checks"),
        ("rediss://:s3cr3t@host/#other", "%23"),
        ("unix:///redis.sock?password=s3cr3t", "option"),
        ("unix:///redis.sock?pass=s3cr3t&db=x", "database"),
        ("redis://:s3cr3t@one:1,two:2", "redis-cluster://"),
        ("redis://:s3cr3t@one,two", "redis-cluster://"),
        ("redis-sentinel://:s3cr3t@host", "no name of the primary"),
        ("redis-sentinel://:s3cr3t@host/", "no name of the primary"),
        ("redis-sentinel://:s3cr3t@host/a b", "letters, digits"),
        ("redis-sentinel://:s3cr3t@host/name/x", "database"),
        ("redis-sentinel://:s3cr3t@host/name/-1", "below 0"),
        ("redis-sentinel://:s3cr3t@/name", "no host"),
        ("redis-sentinel://:s3cr3t@one,,two/name", "empty one"),
        ("redis-sentinel://:s3cr3t@host:port/name", "not a URL"),
        ("redis-sentinel://s3cr3t@host/name", "without a password"),
        (
            "redis-sentinel://host/name?sentinel_user=s3cr3t",
            "`sentinel_password`",
        ),
        ("redis-sentinel://host/name?password=s3cr3t", "option"),
        ("redis-sentinel://:s3cr3t@host/name#x", "%23"),
        ("redis-sentinel:s3cr3t", "//"),
        ("http-sentinel://:s3cr3t@host/name", "no known scheme"),
        ("unix-cluster:///s3cr3t", "no known scheme"),
    ] {
        let message = refused(url);
        assert!(message.contains(says), "{url}: {message}");
    }
}

#[test]
fn the_forms_of_the_documentation_are_taken() {
    for url in [
        "redis://localhost",
        "redis://user:s3cr3t@localhost:6380/3",
        "REDIS://:s3cr3t@localhost",
        "rediss://[::1]:6380?protocol=resp3",
        "valkey://localhost",
        "valkeys://localhost",
        "unix:///run/redis.sock?db=3&user=user&pass=s3cr3t",
        "redis+unix:///run/redis.sock",
    ] {
        topology(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

/// Where the URL leads, in the words of the table in the documentation.
fn told(url: &str) -> String {
    let at = |info: &ConnectionInfo| match info.addr() {
        ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
        ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port} (TLS)"),
        other => other.to_string(),
    };
    let login = |info: &ConnectionInfo| {
        let login = info.redis_settings();
        let user = login.username().unwrap_or("-");
        let password = login.password().unwrap_or("-");
        format!("{user} {password} db {}", login.db())
    };
    match parse(url).unwrap_or_else(|error| panic!("{url}: {error}")) {
        Form::Server(info) => format!("server {}, {}", at(&info), login(&info)),
        Form::Cluster(infos) => {
            let all: Vec<_> = infos.iter().map(at).collect();
            format!("cluster {}, {}", all.join(" "), login(&infos[0]))
        }
        Form::Sentinel(form) => {
            let all: Vec<_> = form.sentinels.iter().map(at).collect();
            for sentinel in &form.sentinels {
                assert_eq!(login(sentinel), "- - db 0", "{url}");
            }
            format!(
                "sentinels {} of {}, {}, {:?}",
                all.join(" "),
                form.name,
                login(&form.server),
                form.login
            )
        }
    }
}

#[test]
fn the_table_in_the_documentation_is_true() {
    let docs = include_str!("../../mod.rs");
    let rows = docs
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split_once("` | "));
    let urls: Vec<_> = rows.filter(|(url, _)| url.contains("://")).collect();
    assert_eq!(urls.len(), 8, "{urls:?}");
    for (url, says) in urls {
        let leads = told(url);
        let kind = match leads.split_once(' ').unwrap().0 {
            "server" => says.contains("one server"),
            "sentinels" => url.contains("sentinel://"),
            _ => url.contains("cluster://"),
        };
        assert!(kind, "{url}: {leads}");
        assert_eq!(
            leads.contains("(TLS)"),
            says.contains("TLS"),
            "{url}: {leads}"
        );
        assert_eq!(
            leads.contains("Some("),
            says.contains("a login for the Sentinels"),
            "{url}"
        );
    }
}

#[test]
fn each_form_leads_where_the_table_says() {
    for (url, leads) in [
        ("redis://h", "server h:6379, - - db 0"),
        ("redis://u:p@h:1/3", "server h:1, u p db 3"),
        ("rediss://:p%40@[::1]:2", "server ::1:2 (TLS), - p@ db 0"),
        ("unix:///s?db=3&user=u&pass=p", "server /s, u p db 3"),
        (
            "redis-sentinel://a,b:1,[::1],[::2]:3/name",
            "sentinels a:26379 b:1 ::1:26379 ::2:3 of name, - - db 0, None",
        ),
        (
            "rediss-sentinel://u:p@a/my.name_1-x/5",
            "sentinels a:26379 (TLS) of my.name_1-x, u p db 5, None",
        ),
        (
            "redis+sentinel://a/n?sentinel_user=s&sentinel_password=q%26&protocol=resp3",
            "sentinels a:26379 of n, - - db 0, Some((\"s\", \"q&\"))",
        ),
        (
            "VALKEYS-SENTINEL://a/n?sentinel_password=q",
            "sentinels a:26379 (TLS) of n, - - db 0, Some((\"\", \"q\"))",
        ),
    ] {
        assert_eq!(told(url), leads, "{url}");
    }
}

#[cfg(feature = "redis-cluster")]
#[test]
fn a_cluster_is_named_by_some_of_its_nodes() {
    for (url, leads) in [
        ("redis-cluster://a", "cluster a:6379, - - db 0"),
        (
            "redis-cluster://u:p@a:1,b,[::1]:2/",
            "cluster a:1 b:6379 ::1:2, u p db 0",
        ),
        (
            "rediss+cluster://a/0?protocol=resp3",
            "cluster a:6379 (TLS), - - db 0",
        ),
        ("valkey-cluster://a", "cluster a:6379, - - db 0"),
    ] {
        assert_eq!(told(url), leads, "{url}");
    }
    for (url, says) in [
        ("redis-cluster://:s3cr3t@host/1", "names a database"),
        ("redis-cluster://:s3cr3t@one,", "empty one"),
        ("redis-cluster://:s3cr3t@host?db=1", "option"),
    ] {
        let message = refused(url);
        assert!(message.contains(says), "{url}: {message}");
    }
}

#[test]
fn connections_are_probed_and_say_nothing_of_their_library() {
    let Topology::Server(client) = topology("redis://localhost").unwrap() else {
        panic!("a server");
    };
    let info = client.get_connection_info();
    assert!(info.redis_settings().skip_set_lib_name());
    assert!(info.tcp_settings().nodelay());
    assert!(info.tcp_settings().keepalive().is_some());
}
