use super::*;

fn refused(url: &str) -> String {
    let error = client("REDIS_URL", url, None).unwrap_err();
    assert_eq!(error.kind(), Kind::Url, "{url}");
    let message = error.to_string();
    assert!(message.starts_with("REDIS_URL "), "{message}");
    assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    message
}

#[test]
fn what_cannot_be_a_server_is_refused_and_not_shown() {
    for (url, says) in [
        ("", "no scheme"),
        ("s3cr3t", "no scheme"),
        ("s3cr3t@host:6379", "no scheme"),
        ("http://:s3cr3t@host", "no scheme"),
        ("redis-sentinel://:s3cr3t@host", "no scheme"),
        ("redis://", "no host"),
        ("redis://:s3cr3t@", "no URL"),
        ("redis://:s3cr3t@host:port", "no URL"),
        ("redis://:s3cr3t/@host", "no URL"),
        ("redis://:s3cr3t@host:99999", "no URL"),
        ("redis://:s3cr3t@host/database", "database"),
        ("redis://:s3cr3t@host/-1", "below 0"),
        ("redis://:s3cr3t@host/1/2", "database"),
        ("redis://:s3cr3t@0.0.0.0", "cannot be used"),
        ("redis://:%FFs3cr3t@host", "cannot be used"),
        ("redis://s3cr3t@host", "without a password"),
        ("redis://:s3cr3t@host/?timeout=5", "option"),
        ("redis://:s3cr3t@host/?db=5", "option"),
        ("redis://:s3cr3t@host/?protocol=resp4", "protocol"),
        ("rediss://:s3cr3t@host/#insecure", "no certificate"),
        ("rediss://:s3cr3t@host/#other", "%23"),
        ("unix:///redis.sock?password=s3cr3t", "option"),
        ("unix:///redis.sock?pass=s3cr3t&db=x", "database"),
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
        client("REDIS_URL", url, None).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn connections_are_probed_and_say_nothing_of_their_library() {
    let client = client("REDIS_URL", "redis://localhost", None).unwrap();
    let info = client.get_connection_info();
    assert!(info.redis_settings().skip_set_lib_name());
    assert!(info.tcp_settings().nodelay());
    assert!(info.tcp_settings().keepalive().is_some());
}
