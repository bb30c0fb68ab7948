//! The forms of URLs.
//!
//! redis-rs parses the URL of one server. For Sentinels and clusters, this file
//! takes the URL apart and makes one for each server. It refuses what redis-rs
//! would ignore: an unknown option is a mistake.

use std::borrow::Cow;

use form_urlencoded::Serializer;
use redis::{ConnectionInfo, IntoConnectionInfo};

/// The schemes of one server, in lower case. The first four can have
/// `-sentinel` or `-cluster` after them.
const SCHEMES: [&str; 7] = [
    "redis",
    "rediss",
    "valkey",
    "valkeys",
    "unix",
    "redis+unix",
    "valkey+unix",
];
/// The port of a Sentinel whose address names none.
const SENTINEL_PORT: u16 = 26379;
/// The error for a URL of a cluster in a build without clusters.
pub(super) const NO_CLUSTER: &str =
    "names a Redis Cluster; build with the feature `redis-cluster` of tower-genesys";
/// The error for several hosts in a URL with the scheme of one server.
const SEVERAL_HOSTS: &str = "names several hosts; begin with redis-cluster:// or redis-sentinel://";

/// User and password.
pub(in crate::store::redis) type Login = (String, String);

/// The topology that a URL names.
pub(super) enum Form {
    Server(ConnectionInfo),
    Sentinel(SentinelForm),
    Cluster(Vec<ConnectionInfo>),
}

/// The parts of a URL that names Sentinels.
pub(super) struct SentinelForm {
    pub(super) sentinels: Vec<ConnectionInfo>,
    /// The name under which the Sentinels know the primary.
    pub(super) name: String,
    /// The login and the database of the primary, with a placeholder address.
    pub(super) server: ConnectionInfo,
    /// User and password for the Sentinels themselves.
    pub(super) login: Option<Login>,
}

/// The parts of a URL that names several servers.
struct Parts<'a> {
    scheme: &'a str,
    /// Includes the `@`.
    login: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
    query: &'a str,
}

/// Parses the URL. The error continues a sentence that begins with the name of
/// the setting.
pub(super) fn parse(url: &str) -> Result<Form, Cow<'static, str>> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let scheme = scheme.to_ascii_lowercase().replace('+', "-");
    if let Some(base) = base_of(&scheme, "-sentinel") {
        return sentinel(&Parts::of(url, base)?);
    }
    if let Some(base) = base_of(&scheme, "-cluster") {
        return cluster(&Parts::of(url, base)?);
    }
    Ok(Form::Server(server(url)?))
}

/// Returns the scheme of one server in a scheme with this suffix.
fn base_of<'a>(scheme: &'a str, suffix: &str) -> Option<&'a str> {
    let base = scheme.strip_suffix(suffix)?;
    SCHEMES[..4].contains(&base).then_some(base)
}

impl<'a> Parts<'a> {
    fn of(url: &'a str, scheme: &'a str) -> Result<Self, &'static str> {
        // It would end the URL early, in the middle of a password.
        if url.contains('#') {
            return Err("contains a #; in a password, write it as %23");
        }
        let (_, rest) = url
            .split_once("://")
            .ok_or("is not a URL; write // after the first colon")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // The last `@`: earlier ones are part of an unescaped password.
        let login = authority.rfind('@').map_or(0, |at| at + 1);
        let (login, hosts) = authority.split_at(login);
        let hosts: Vec<_> = hosts.split(',').collect();
        if hosts.iter().any(|host| host.is_empty()) {
            return Err(
                "names no host, or contains an empty one in its list; write host:port,host:port, and %40, \
                 %2F and %23 for @, / and # in a password",
            );
        }
        Ok(Self {
            scheme,
            login,
            hosts,
            path,
            query,
        })
    }

    /// Returns the URL of one of the servers.
    fn server(
        &self,
        host: &str,
        database: &str,
        query: &str,
    ) -> Result<ConnectionInfo, &'static str> {
        let (scheme, login) = (self.scheme, self.login);
        server(&format!("{scheme}://{login}{host}/{database}?{query}"))
    }
}

/// Returns the nodes of a cluster, which share login and options.
fn cluster(parts: &Parts<'_>) -> Result<Form, Cow<'static, str>> {
    if cfg!(not(feature = "redis-cluster")) {
        return Err(NO_CLUSTER.into());
    }
    if !matches!(parts.path, "" | "0") {
        return Err(
            "names a database, but a Redis Cluster has only database 0; leave it out".into(),
        );
    }
    let node = |host: &&str| parts.server(host, "", parts.query);
    let nodes: Result<_, _> = parts.hosts.iter().map(node).collect();
    Ok(Form::Cluster(nodes?))
}

/// Returns the Sentinels, and the settings of their primary. User and password
/// of the URL are the primary's.
fn sentinel(parts: &Parts<'_>) -> Result<Form, Cow<'static, str>> {
    let (name, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    if name.is_empty() {
        return Err(
            "has no name of the primary; write redis-sentinel://host:port/name, with the name in \
             `sentinel monitor`"
                .into(),
        );
    }
    let is_fine = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    if !name.chars().all(is_fine) {
        return Err(
            "has a name of the primary that Sentinel does not accept; use letters, digits and . _ -"
                .into(),
        );
    }
    let (query, login) = sentinel_login(parts.query)?;
    let sentinel = |host: &&str| {
        let host = with_port(host);
        server(&format!("{}://{host}", parts.scheme))
    };
    let sentinels: Result<_, _> = parts.hosts.iter().map(sentinel).collect();
    Ok(Form::Sentinel(SentinelForm {
        sentinels: sentinels?,
        name: name.to_owned(),
        server: parts.server("localhost", database, &query)?,
        login,
    }))
}

/// Removes the login for the Sentinels from the options, and returns both.
fn sentinel_login(query: &str) -> Result<(String, Option<Login>), &'static str> {
    let (mut user, mut password) = (None, None);
    let mut rest = Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "sentinel_user" => user = Some(value.into_owned()),
            "sentinel_password" => password = Some(value.into_owned()),
            _ => {
                rest.append_pair(&name, &value);
            }
        }
    }
    match (user, password) {
        (Some(_), None) => Err("has `sentinel_user` without `sentinel_password`; give both"),
        (user, Some(password)) => Ok((rest.finish(), Some((user.unwrap_or_default(), password)))),
        (None, None) => Ok((rest.finish(), None)),
    }
}

/// Returns the host with a port: its own, or Sentinel's default.
fn with_port(host: &str) -> Cow<'_, str> {
    // The colons of an IPv6 address are in brackets.
    let name_ends = host.rfind(']').unwrap_or(0);
    if host[name_ends..].contains(':') {
        host.into()
    } else {
        format!("{host}:{SENTINEL_PORT}").into()
    }
}

/// Parses the URL of one server.
fn server(url: &str) -> Result<ConnectionInfo, &'static str> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())) {
        return Err(
            "has no known scheme; begin with redis://, redis-cluster://, redis-sentinel://, \
             each with rediss for TLS, or unix://",
        );
    }
    let parsed = redis::parse_redis_url(url).ok_or_else(|| {
        if names_several(url) {
            SEVERAL_HOSTS
        } else {
            "is not a URL; write redis://user:password@host:port/database, and percent-encode special \
             characters in a password"
        }
    })?;
    // The path of a socket may contain commas.
    let is_unix = parsed.scheme().ends_with("unix");
    if !is_unix && names_several(url) {
        return Err(SEVERAL_HOSTS);
    }
    // redis-rs reads only `#insecure`, and drops any other fragment, which is
    // mostly the end of a password.
    match parsed.fragment() {
        None => {}
        Some("insecure") => {
            return Err(
                "asks for TLS without certificate checks; set the CA's certificate instead",
            );
        }
        Some(_) => return Err("contains a #; in a password, write it as %23"),
    }
    for (name, value) in parsed.query_pairs() {
        check_option(&name, &value, is_unix)?;
    }
    let host_is_missing = !is_unix && parsed.host_str().is_none_or(str::is_empty);
    if host_is_missing {
        return Err(
            "names no host; write redis://host, and %40, %2F and %23 for @, / and # in a password",
        );
    }
    let info = parsed
        .into_connection_info()
        .map_err(|_| "has an invalid host, user, password or database; the database is a number")?;
    check_login(&info)?;
    Ok(info)
}

/// Refuses a database and a login that a server could not accept.
fn check_login(info: &ConnectionInfo) -> Result<(), &'static str> {
    let login = info.redis_settings();
    if login.db() < 0 {
        return Err("has a database below 0; count from 0");
    }
    if login.username().is_some() && login.password().is_none() {
        return Err("has a user without a password; write user:password@host");
    }
    Ok(())
}

/// Refuses an option that this store does not know: redis-rs would ignore it.
fn check_option(name: &str, value: &str, is_unix: bool) -> Result<(), &'static str> {
    match (name, value) {
        ("protocol", "2" | "3" | "resp2" | "resp3") => Ok(()),
        ("protocol", _) => Err("has an unknown protocol; write resp2 or resp3"),
        ("db" | "user" | "pass", _) if is_unix => Ok(()),
        _ => Err(
            "has an unknown option; known are `protocol`, for a socket `db`, `user` and `pass`, \
             and for Sentinels `sentinel_user` and `sentinel_password`",
        ),
    }
}

/// Returns whether the host contains a comma.
fn names_several(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.contains(',')
}

#[cfg(test)]
mod tests;
