//! The settings that a process reads from its environment. Each case runs this
//! program as a child, since a test may not change its own environment.

use std::{env, process::Output};

use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};

use crate::{
    fixtures::child_process,
    redis_server::{Certificates, Launch, RedisSentinels, SentinelOptions},
};

const CHILD: &str = "TOWER_GENESYS_TEST_ENVIRONMENT";

/// Has the child trust the CAs of the system.
const SYSTEM: &str = "TOWER_GENESYS_TEST_SYSTEM";

/// Connects as a process does at its start, and prints the outcome.
#[tokio::test]
async fn child() {
    let Ok(name) = env::var(CHILD) else { return };
    let checked = async {
        let builder = RedisStore::builder_from_env(name)?;
        let builder = match env::var_os(SYSTEM) {
            Some(_) => builder.system_ca_certificates(),
            None => builder,
        };
        builder.connect().await
    };
    match checked.await {
        Ok(_) => println!("=> works"),
        Err(error) => println!("=> {:?} {error}", error.kind()),
    }
}

fn outcome(name: &str, variables: &[(&str, &str)]) -> String {
    let mut command = child_process::command(child);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("REDIS") {
            command.env_remove(name);
        }
    }
    command.env(CHILD, name).envs(variables.iter().copied());
    let Output { stdout, stderr, .. } = child_process::output(&mut command);
    let all = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    let outcome = all.lines().find_map(|line| line.split_once("=> "));
    outcome.expect(&all).1.to_owned()
}

#[test]
fn variables_hold_certificates_or_name_their_files() {
    let by = Certificates::new();
    let server = Launch::new().tls(&by, &["localhost"], "yes").start();
    let client = by.client();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, pem).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (ca, certificate) = (
        file("ca.pem", by.pem()),
        file("client.pem", &client.certificate),
    );
    let url = server.tls_url();
    let files = [
        ("REDIS_URL", &*url),
        ("REDIS_TLS_CA", &ca),
        ("REDIS_TLS_CERT", &certificate),
        ("REDIS_TLS_KEY", &client.key),
    ];
    assert_eq!(outcome("REDIS_URL", &files), "works");
    let named = [
        ("CACHE_URL", &*url),
        ("CACHE_TLS_CA", by.pem()),
        ("CACHE_TLS_CERT", &client.certificate),
        ("CACHE_TLS_KEY", &client.key),
    ];
    assert_eq!(outcome("CACHE_URL", &named), "works");

    let says = |variables: &[(&str, &str)]| outcome("REDIS_URL", variables);
    let without_key = says(&files[..3]);
    assert!(
        without_key.starts_with("Certificates REDIS_TLS_CERT has no key"),
        "{without_key}"
    );
    let without_certificate = says(&[files[0], files[1], files[3]]);
    assert!(
        without_certificate.starts_with("Certificates REDIS_TLS_KEY has no certificate"),
        "{without_certificate}"
    );
    let none = says(&files[..2]);
    assert!(
        none.contains("REDIS_URL: ") && none.contains("_TLS_CERT"),
        "{none}"
    );
    let unread = says(&[files[0], ("REDIS_TLS_CA", "/s3cr3t")]);
    assert!(
        unread.starts_with("Certificates REDIS_TLS_CA names a file"),
        "{unread}"
    );
    assert!(!unread.contains("s3cr3t"), "{unread}");
    let plain = says(&[("REDIS_URL", "redis://localhost"), files[1]]);
    assert!(
        plain.starts_with("Certificates REDIS_TLS_CA is set, but REDIS_URL"),
        "{plain}"
    );
    let empty = says(&[files[0], ("REDIS_TLS_CA", "")]);
    assert!(empty.contains("REDIS_TLS_CA is empty"), "{empty}");
}

/// On Linux, the environment names the CAs of the system.
#[cfg(target_os = "linux")]
#[test]
fn the_cas_of_the_system_are_trusted_on_request() {
    let (by, other) = (Certificates::new(), Certificates::new());
    let server = Launch::new().tls(&by, &["localhost"], "no").start();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, pem).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (ours, theirs) = (file("ours", by.pem()), file("theirs", other.pem()));
    let (none, url) = (file("none", ""), server.tls_url());
    let says = |variables: &[(&str, &str)]| {
        let url = [("REDIS_URL", &*url), ("SSL_CERT_DIR", "")];
        outcome("REDIS_URL", &[&url, variables].concat())
    };
    fn ca(path: &str) -> (&str, &str) {
        ("SSL_CERT_FILE", path)
    }
    let system = (SYSTEM, "1");
    assert_eq!(says(&[system, ca(&ours)]), "works");
    for untrusted in [&[ca(&ours)][..], &[system, ca(&theirs)]] {
        let refused = says(untrusted);
        assert!(refused.contains("no trusted CA"), "{refused}");
        assert!(refused.contains("`system_ca_certificates`"), "{refused}");
    }
    // In addition to those that are set.
    let both = [system, ca(&theirs), ("REDIS_TLS_CA", by.pem())];
    assert_eq!(says(&both), "works");

    let without = says(&[system, ca(&none)]);
    assert!(
        without.starts_with("Certificates `system_ca_certificates` found no CA"),
        "{without}"
    );
    assert!(without.contains("SSL_CERT_FILE"), "{without}");
}

#[test]
fn sentinels_have_their_own_login() {
    let fleet = RedisSentinels::start_with(&SentinelOptions {
        sentinel_password: Some("s3cr3t"),
        ..SentinelOptions::default()
    });
    let url = fleet.url();
    let says = |variables: &[(&str, &str)]| outcome("REDIS_URL", variables);
    let password = ("REDIS_SENTINEL_PASSWORD", "s3cr3t");
    assert_eq!(says(&[("REDIS_URL", &url), password]), "works");
    let user = ("REDIS_SENTINEL_USER", "default");
    assert_eq!(says(&[("REDIS_URL", &url), user, password]), "works");
    // The URL takes precedence.
    let in_url = format!("{url}?sentinel_password=s3cr3t");
    let wrong = ("REDIS_SENTINEL_PASSWORD", "another");
    assert_eq!(says(&[("REDIS_URL", &in_url), wrong]), "works");

    let without = says(&[("REDIS_URL", &url)]);
    let kind = format!("{:?}", RedisStoreErrorKind::Credentials);
    assert!(without.starts_with(&kind), "{without}");
    let alone = says(&[("REDIS_URL", &url), user]);
    assert!(alone.starts_with("Variable "), "{alone}");
    assert!(
        alone.contains("REDIS_SENTINEL_USER has no password"),
        "{alone}"
    );
    let unused = says(&[("REDIS_URL", "redis://localhost"), password]);
    assert!(
        unused.contains("REDIS_SENTINEL_PASSWORD is set, but REDIS_URL"),
        "{unused}"
    );
}
