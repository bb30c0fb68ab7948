//! Host and port, parsed in one way for the whole crate.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use http::Uri;

/// The longest name that DNS can hold (RFC 1035, section 2.3.4), written
/// without its final dot.
const LONGEST_NAME: usize = 253;

/// The host of a connection, and its port if the text names one.
///
/// Two equal authorities are the same destination: upper case, the final dot of
/// a name and the notation of an IPv6 address make no difference. If parsers
/// disagree whether a text is a host, it is an error here, so that the token
/// goes only to an unambiguous host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    host: Host<'a>,
    port: Option<u16>,
}

/// A name or an address, displayed in lower case, an IPv6 address in brackets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

/// Why a text is not a valid authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NoHost,
    /// The text contains a user name or a password.
    UserInfo,
    /// The host is neither a name nor an address.
    Host,
    /// The text after the colon is not a port.
    Port,
}

impl<'a> Authority<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        if text.contains('@') {
            return Err(Fault::UserInfo);
        }
        if text.contains('/') {
            return Err(Fault::Host);
        }
        // An IPv6 address contains colons within its brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = Host::parse(host)?;
        let port = match port {
            Some(port) => Some(parse_port(port).ok_or(Fault::Port)?),
            None => None,
        };
        Ok(Self { host, port })
    }

    pub(crate) fn of(uri: &'a Uri) -> Result<Self, Fault> {
        Self::parse(uri.authority().ok_or(Fault::NoHost)?.as_str())
    }

    pub(crate) const fn host(self) -> Host<'a> {
        self.host
    }

    /// Returns the port, or this default.
    pub(crate) fn port_or(self, usual: u16) -> u16 {
        self.port.unwrap_or(usual)
    }

    /// Removes the port if it is the scheme's default.
    pub(crate) fn without_port(mut self, usual: u16) -> Self {
        self.port = self.port.filter(|port| *port != usual);
        self
    }

    /// Returns whether the host is this machine: `localhost`, or a loopback
    /// address.
    pub(crate) fn is_loopback(self) -> bool {
        match self.host {
            Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
            Host::Address(address) => address.is_loopback(),
        }
    }
}

impl<'a> Host<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest.strip_suffix(']').ok_or(Fault::Host)?;
            let address: Ipv6Addr = address.parse().map_err(|_| Fault::Host)?;
            return Ok(Self::Address(address.into()));
        }
        // A fully qualified name is the same with or without its final dot.
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(Fault::NoHost);
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        match is_name(text) {
            true => Ok(Self::Name(text)),
            false => Err(Fault::Host),
        }
    }

    #[cfg(feature = "client")]
    pub(crate) const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(address),
        }
    }
}

/// Returns whether the text is a host name. A text that ends in a number is
/// not: `127.1` and `0x7f000001` are addresses to some resolvers, and names to
/// others.
pub(crate) fn is_name(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let is_number = is_hex || last.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= LONGEST_NAME && !is_number && text.split('.').all(is_label)
}

/// Returns whether the text is a label of a host name. Underscores are allowed,
/// because names inside a cluster can contain them.
pub(crate) fn is_label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Parses a port of digits only: the standard library's parser accepts a sign,
/// too.
pub(crate) fn parse_port(port: &str) -> Option<u16> {
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|&port| is_number && port != 0)
}

/// Returns an authority as written, without a user name and password.
pub(crate) fn without_user(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or_default()
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(this), Self::Name(other)) => this.eq_ignore_ascii_case(other),
            (Self::Address(this), Self::Address(other)) => this == other,
            (Self::Name(_), Self::Address(_)) | (Self::Address(_), Self::Name(_)) => false,
        }
    }
}

impl Eq for Host<'_> {}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&name.to_ascii_lowercase()),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
