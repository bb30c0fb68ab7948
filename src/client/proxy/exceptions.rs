use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

use crate::authority::{Authority, is_name, parse_port};

/// The number of characters of an entry that an error repeats: enough to find
/// it in its list.
const ECHO: usize = 60;

/// The hosts to reach without the proxy.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    rules: Vec<Rule>,
}

/// One entry of a list such as `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    /// The only port that the entry applies to; `None` for all ports.
    port: Option<u16>,
}

/// The hosts that an entry names.
#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    /// All hosts.
    All,
    /// The domain and its subdomains.
    Domain(Box<str>),
    /// An address and the length of its prefix. A single address has the full
    /// length.
    Network(IpAddr, u8),
}

impl Exceptions {
    /// Adds the entries of a list, and returns those that no host can match.
    pub(super) fn add(&mut self, list: &str) -> Vec<String> {
        let mut unusable = Vec::new();
        let entries = list.split(|char: char| char == ',' || char.is_whitespace());
        for entry in entries.filter(|entry| !entry.is_empty()) {
            match rule(entry) {
                Some(rule) => self.rules.push(rule),
                None => unusable.push(echo(entry)),
            }
        }
        unusable
    }

    /// Returns whether the host of this URI is reached without the proxy.
    pub(super) fn contain(&self, dst: &Uri) -> bool {
        let Ok(authority) = Authority::of(dst) else {
            return false;
        };
        let (host, port) = (authority.host().to_string(), authority.port_or(443));
        let address = authority.host().address();
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|only| only == port) && rule.hosts.contain(&host, address)
        })
    }
}

impl Hosts {
    /// Returns whether the entry names this host. `address` is set if the host
    /// is an address.
    fn contain(&self, host: &str, address: Option<IpAddr>) -> bool {
        // Names are not resolved: a network matches only addresses, and a
        // domain only names.
        match (self, address) {
            (Self::All, _) => true,
            (Self::Network(network, bits), Some(address)) => shares(*network, address, *bits),
            (Self::Domain(domain), None) => host
                .strip_suffix(&**domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            _ => false,
        }
    }
}

/// Parses an entry in the forms that curl, Go and .NET understand. Returns
/// `None` if no host can match it, as with a URL.
fn rule(entry: &str) -> Option<Rule> {
    if entry == "*" {
        return Some(Rule {
            hosts: Hosts::All,
            port: None,
        });
    }
    // An IPv6 address contains colons, so it is tried first; with a port, it
    // has brackets.
    if let Some(hosts) = network(entry) {
        return Some(Rule { hosts, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(parse_port(port)?)),
        _ => (entry, None),
    };
    let hosts = network(host).or_else(|| domain(host))?;
    Some(Rule { hosts, port })
}

/// Parses a network, or a single address, which is a network of full length.
///
/// A wrong length makes the entry unusable: a guess could match more hosts
/// than it was meant for.
fn network(text: &str) -> Option<Hosts> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = unbracketed(address).parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) if is_number(bits) => bits.parse().ok().filter(|bits| *bits <= longest)?,
        Some(_) => return None,
        None => longest,
    };
    Some(Hosts::Network(address, bits))
}

/// Parses a domain. `d`, `.d` and `*.d` mean the same: `d` and its subdomains.
fn domain(text: &str) -> Option<Hosts> {
    let name = normal(match text.strip_prefix('*') {
        Some(rest) => rest.strip_prefix('.')?,
        None => text.strip_prefix('.').unwrap_or(text),
    });
    is_name(&name).then(|| Hosts::Domain(name.into()))
}

/// Removes brackets and a final dot, and converts to lower case.
fn normal(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    unbracketed(host).to_ascii_lowercase()
}

/// Removes the brackets of an IPv6 address.
fn unbracketed(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Returns whether the text has digits only; the standard library's parser
/// accepts a sign, too.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether two addresses have the same first bits.
fn shares(network: IpAddr, address: IpAddr, bits: u8) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let differ = Ipv4Addr::to_bits(network) ^ Ipv4Addr::to_bits(address);
            differ.leading_zeros() >= u32::from(bits)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let differ = Ipv6Addr::to_bits(network) ^ Ipv6Addr::to_bits(address);
            differ.leading_zeros() >= u32::from(bits)
        }
        _ => false,
    }
}

/// Returns the entry as a message may show it: short, escaped, and withheld if
/// it may contain a password.
fn echo(entry: &str) -> String {
    if entry.contains('@') || entry.contains("%40") {
        return "an entry with an `@` (not shown: it may contain a password)".into();
    }
    let shown: String = entry
        .chars()
        .take(ECHO)
        .flat_map(char::escape_default)
        .collect();
    let more = if entry.chars().nth(ECHO).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each form of an entry, with a host that it matches and one that it does
    /// not.
    #[test]
    fn every_form_of_curl_go_and_dotnet_is_understood() {
        for (entry, matches, differs) in [
            ("example.test", "example.test", "badexample.test"),
            ("example.test", "a.b.example.test", "example.test.evil"),
            (".example.test", "example.test", "xexample.test"),
            (".example.test", "API.Example.Test", "test"),
            ("*.example.test", "api.example.test", "xexample.test"),
            ("*.example.test", "example.test", "example"),
            ("Example.Test.", "api.example.test", "example.tes"),
            ("example.test", "api.example.test.", "test"),
            ("my_host", "my_host", "host"),
            ("host:443", "host", "host:8443"),
            ("host:8443", "host:8443", "host"),
            (
                ".example.test:8443",
                "a.example.test:8443",
                "a.example.test",
            ),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.3:8443", "10.1.2.3:8443", "10.1.2.3"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.9.9.9", "example.test"),
            ("0.0.0.0/0", "8.8.8.8", "[::1]"),
            ("::1", "[::1]", "[::2]"),
            ("[::1]", "[::1]", "[::2]"),
            ("[::1]:8443", "[::1]:8443", "[::1]"),
            ("fd00::/8", "[fd12::1]", "[fe00::1]"),
            ("fd00::1", "[fd00:0:0::1]", "10.0.0.1"),
        ] {
            let mut exceptions = Exceptions::default();
            assert!(exceptions.add(entry).is_empty(), "{entry}");
            for (host, expected) in [(matches, true), (differs, false)] {
                let uri: Uri = format!("https://{host}/api/v2/users").parse().unwrap();
                assert_eq!(exceptions.contain(&uri), expected, "{entry} and {host}");
            }
        }
        let mut all = Exceptions::default();
        assert!(all.add("a.test *,\tb.test,,").is_empty());
        assert!(all.contain(&Uri::from_static("https://anything/")));
        assert_eq!(all.rules.len(), 3);
    }

    #[test]
    fn an_entry_that_no_host_can_match_is_named() {
        for entry in [
            "http://example.test",
            "example.test/path",
            "api.*.test",
            "*example.test",
            "**",
            "<local>",
            "host:",
            "host:port",
            "host:0",
            "host:+443",
            "10.",
            "10.0",
            "192.168.*",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "fd00::/129",
            "::1:8443x",
            "münchen.test",
            "a..test",
            ".",
            "a.test;b.test",
        ] {
            let mut exceptions = Exceptions::default();
            let unusable = exceptions.add(&format!("good.test,{entry}"));
            assert_eq!(unusable, [echo(entry)], "{entry}");
            assert_eq!(exceptions.rules.len(), 1, "{entry}");
        }
        let secret = Exceptions::default().add("http://me:s3cr3t@proxy");
        assert!(!secret[0].contains("s3cr3t"), "{secret:?}");
        let long = Exceptions::default().add(&"/".repeat(1000));
        assert!(long[0].len() < 70, "{long:?}");
    }
}
