//! For any URI, the token goes only to the host that a connector would connect
//! to.

use proptest::prelude::*;

use super::*;

const LISTED: [(&str, u16); 3] = [
    ("api.mypurecloud.com", 443),
    ("gw.example", 8443),
    ("[2001:db8::1]", 443),
];

fn origins() -> Origins {
    Origins::of_host("API.mypurecloud.com.")
        .and_then(|origins| origins.with_host("gw.example:8443"))
        .and_then(|origins| origins.with_host("[2001:DB8::1]:443"))
        .expect("they are hosts")
}

/// Parts of authorities, and characters that a parser could mistake for the end
/// of an authority.
fn pieces() -> impl Strategy<Value = String> {
    let hosts = vec![
        "api.mypurecloud.com",
        "API.MyPureCloud.COM",
        "gw.example",
        "[2001:db8::1]",
        "[2001:DB8::1]",
        "evil.example",
        "user:pw",
        "127.0.0.1",
        "localhost",
        "xn--pi-7ka",
    ];
    let between = vec![
        "", ".", ":", "@", ":443", ":8443", ":0443", ":80", ":65979", ":+443", "%2e", "/", "?",
        "\\", "-", "[", "]",
    ];
    let hosts = prop::sample::select(hosts);
    let between = prop::sample::select(between);
    prop::collection::vec((hosts, between), 1..3)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(a, b)| [a, b]).collect())
}

fn schemes() -> impl Strategy<Value = &'static str> {
    let schemes = vec!["https://", "HTTPS://", "http://", "wss://", "", "/"];
    prop::sample::select(schemes)
}

/// Reads a URI as a connector does: its host and port, and whether it is https.
fn is_listed(uri: &Uri) -> bool {
    let (Some(authority), Some("https")) = (uri.authority(), uri.scheme_str()) else {
        return false;
    };
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let port = authority.port_u16().unwrap_or(443);
    LISTED.contains(&(host, port)) && has_port_or_none(uri)
}

/// Any text after the host other than a port makes the authority untrusted.
fn has_port_or_none(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let behind = &authority[uri.host().unwrap_or_default().len()..];
    match behind.strip_prefix(':') {
        Some(port) => port.parse().is_ok_and(|port: u16| port != 0) && !port.starts_with('+'),
        None => behind.is_empty(),
    }
}

fn goes_to_this_machine(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    ["127.0.0.1", "localhost"].contains(&host)
        && has_port_or_none(uri)
        && matches!(uri.scheme_str(), Some("http" | "https"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_token_goes_to_listed_origins_in_any_spelling_and_to_no_other(
        scheme in schemes(),
        rest in pieces(),
    ) {
        let Ok(uri) = format!("{scheme}{rest}").parse::<Uri>() else { return Ok(()) };
        let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let listed = !user && is_listed(&uri);
        let origins = origins();
        prop_assert_eq!(origins.allows(&uri), listed, "{}", uri);
        prop_assert_eq!(matches!(origins.check(&uri), Verdict::Token), listed, "{}", uri);
        let without = origins.with_foreign_unsigned().check(&uri);
        prop_assert!(matches!(without, Verdict::Token) == listed && !matches!(without, Verdict::Refused(_)));

        let here = !user && goes_to_this_machine(&uri);
        let origins = self::origins().with_loopback();
        prop_assert_eq!(origins.allows(&uri), listed || here, "{}", uri);
        prop_assert_eq!(origins.refusal(&uri).is_none(), listed || here, "{}", uri);
    }
}
