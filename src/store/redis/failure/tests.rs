use std::io;

use redis::{Value, parse_redis_value};

use super::*;

/// What the client makes of these words of a server.
fn said(words: &str) -> RedisError {
    let line = format!("-{words}\r\n");
    match parse_redis_value(line.as_bytes()).unwrap() {
        Value::ServerError(error) => error.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refusals_have_the_kind_that_leads_to_the_right_next_step() {
    use RedisStoreErrorKind as Setup;
    use StoreErrorKind::{Denied, Unavailable};
    for (words, kind, setup, says) in [
        (
            "WRONGPASS invalid username-password pair",
            Denied,
            Setup::Credentials,
            "password",
        ),
        (
            "NOAUTH Authentication required.",
            Denied,
            Setup::Credentials,
            "login",
        ),
        (
            "NOPERM this user has no permissions to run the 'evalsha' command",
            Denied,
            Setup::Permission,
            "rights",
        ),
        (
            "NOPERM No permissions to access a key",
            Denied,
            Setup::Permission,
            "rights",
        ),
        (
            "ERR The user executing the script can't run this command or subcommand script: x",
            Denied,
            Setup::Permission,
            "rights",
        ),
        (
            "ERR ACL failure in script: User x has no permissions to run the 'set' command",
            Denied,
            Setup::Permission,
            "rights",
        ),
        (
            "ERR Error running script (call to f_x): @user_script:1: -NOPERM no",
            Denied,
            Setup::Permission,
            "rights",
        ),
        (
            "DENIED Redis is running in protected mode",
            Denied,
            Setup::Credentials,
            "protected",
        ),
        (
            "ERR unknown command 'EVALSHA'",
            Denied,
            Setup::Server,
            "EVALSHA",
        ),
        (
            "OOM command not allowed when used memory > 'maxmemory'. script: x",
            Unavailable,
            Setup::Server,
            "maxmemory",
        ),
        (
            "ERR Error running script (call to f_x): @user_script:1: -OOM command not allowed",
            Unavailable,
            Setup::Server,
            "maxmemory",
        ),
        (
            "READONLY You can't write against a read only replica.",
            Unavailable,
            Setup::Server,
            "primary",
        ),
        (
            "MASTERDOWN Link with MASTER is down",
            Unavailable,
            Setup::Server,
            "lost its primary",
        ),
        (
            "MOVED 3999 127.0.0.1:6381",
            Unavailable,
            Setup::Server,
            "Cluster",
        ),
        (
            "ASK 3999 127.0.0.1:6381",
            Unavailable,
            Setup::Server,
            "Cluster",
        ),
        (
            "TRYAGAIN Multiple keys request during rehashing of slot",
            Unavailable,
            Setup::Server,
            "Cluster",
        ),
        (
            "CROSSSLOT Keys in request don't hash to the same slot",
            Unavailable,
            Setup::Server,
            "Cluster",
        ),
        (
            "CLUSTERDOWN Hash slot not served",
            Unavailable,
            Setup::Server,
            "down",
        ),
        (
            "LOADING Redis is loading the dataset in memory",
            Unavailable,
            Setup::Server,
            "loading",
        ),
        (
            "BUSY Redis is busy running a script",
            Unavailable,
            Setup::Server,
            "SCRIPT KILL",
        ),
        (
            "MISCONF Redis is configured to save RDB snapshots",
            Unavailable,
            Setup::Server,
            "disk",
        ),
        (
            "NOREPLICAS Not enough good replicas to write.",
            Unavailable,
            Setup::Server,
            "replicas",
        ),
        (
            "ERR max number of clients reached",
            Unavailable,
            Setup::Server,
            "maxclients",
        ),
        ("ERR something new", Unavailable, Setup::Server, "(ERR)"),
        ("SOMETHING new", Unavailable, Setup::Server, "(SOMETHING)"),
        ("s3cr3t", Unavailable, Setup::Server, "(no code)"),
    ] {
        let diagnosis = Failure::Sent(said(words)).diagnose();
        assert_eq!((diagnosis.kind, diagnosis.setup), (kind, setup), "{words}");
        assert!(
            diagnosis.message.contains(says),
            "{words}: {}",
            diagnosis.message
        );
    }
}

#[test]
fn only_what_was_not_sent_is_known_to_have_changed_nothing() {
    let broken = |kind| RedisError::from(io::Error::from(kind));
    for kind in [
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::TimedOut,
        io::ErrorKind::ConnectionReset,
    ] {
        let sent = Failure::Sent(broken(kind)).diagnose();
        assert_eq!(sent.kind, StoreErrorKind::Timeout);
        let unsent = Failure::NotConnected(broken(kind)).diagnose();
        assert_eq!(unsent.kind, StoreErrorKind::Unavailable);
    }
}

#[test]
fn only_errors_of_the_connection_are_shown_as_the_source() {
    let io = RedisError::from(io::Error::from(io::ErrorKind::ConnectionRefused));
    assert!(Failure::NotConnected(io).into_parts().1.is_some());
    let words = said("ERR unknown command `AUTH`, with args beginning with: `s3cr3t`");
    let error = StoreError::from(Failure::Sent(words));
    assert!(!format!("{error:?} {error}").contains("s3cr3t"));
}
