use proptest::prelude::*;

use super::*;

fn fault(text: &str) -> Fault {
    Authority::parse(text).expect_err(text)
}

fn loopback(text: &str) -> bool {
    Authority::parse(text).is_ok_and(Authority::is_loopback)
}

#[test]
fn the_same_place_in_other_spellings_is_equal() {
    for (one, other) in [
        ("api.mypurecloud.com", "API.MyPureCloud.COM."),
        ("localhost", "LOCALHOST."),
        ("127.0.0.1", "127.0.0.1."),
        ("[::1]:8443", "[0:0:0:0:0:0:0:1]:08443"),
        ("[2001:db8::1]", "[2001:DB8:0::1]"),
        ("gw.example.:443", "gw.example:0443"),
    ] {
        assert_eq!(Authority::parse(one), Authority::parse(other), "{one}");
        assert!(Authority::parse(one).is_ok(), "{one}");
    }
}

#[test]
fn what_names_no_place_says_why() {
    for (text, expected) in [
        ("", Fault::NoHost),
        (".", Fault::NoHost),
        (":8080", Fault::NoHost),
        ("me@host", Fault::UserInfo),
        ("me:pw@host:1", Fault::UserInfo),
        ("host:", Fault::Port),
        ("host:+443", Fault::Port),
        ("host:0", Fault::Port),
        ("host:65536", Fault::Port),
        ("host:443.", Fault::Port),
        ("https://host", Fault::Host),
        ("host/", Fault::Host),
        ("a..b", Fault::Host),
        ("host..", Fault::Host),
        ("-host", Fault::Host),
        ("ho st", Fault::Host),
        ("hóst", Fault::Host),
        ("*.example", Fault::Host),
        ("::1", Fault::Host),
        ("[::1", Fault::Host),
        ("[::1].", Fault::Host),
        ("[127.0.0.1]", Fault::Host),
        ("[::1%25eth0]", Fault::Host),
        ("127.1", Fault::Host),
        ("127.0.0.01", Fault::Host),
        ("2130706433", Fault::Host),
        ("0x7f000001", Fault::Host),
        ("256.1.1.1", Fault::Host),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
    let longest = "a.".repeat(126) + "a";
    assert!(Authority::parse(&longest).is_ok(), "253 characters");
    assert_eq!(fault(&(longest + "a")), Fault::Host);
}

#[test]
fn this_machine_is_a_name_and_two_networks() {
    for host in [
        "localhost",
        "LocalHost.:80",
        "127.0.0.1",
        "127.8.8.8.:1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]:443",
    ] {
        assert!(loopback(host), "{host}");
    }
    for host in [
        "localhost.example",
        "a.localhost",
        "128.0.0.1",
        "[::2]",
        "127.0.0.1.nip.io",
        "127.1",
        "127.0.0.1:+80",
        "me@localhost",
    ] {
        assert!(!loopback(host), "{host}");
    }
}

/// Parts of authorities, and what could be taken for the end of one.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let hosts = vec![
        "api.mypurecloud.com",
        "Gw.Example",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "user:pw",
        "x_y",
        "1",
    ];
    let between = vec![
        "", ".", ":", "@", ":443", ":80", ":0443", ":+443", ":65979", ":0", "-", "%2e", "[", "]",
    ];
    let pieces = (prop::sample::select(hosts), prop::sample::select(between));
    prop::collection::vec(pieces, 1..3)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(a, b)| [a, b]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_text_makes_it_panic_and_what_is_shown_is_read_as_the_same(text in any::<String>()) {
        if let Ok(read) = Authority::parse(&text) {
            let shown = read.to_string();
            prop_assert_eq!(Authority::parse(&shown), Ok(read));
        }
    }

    /// A connector goes by `http`'s reading of host and port.
    #[test]
    fn it_is_where_a_connector_goes(text in texts()) {
        let Ok(uri) = format!("https://{text}/").parse::<Uri>() else { return Ok(()) };
        let Ok(read) = Authority::of(&uri) else { return Ok(()) };
        let host = uri.host().unwrap_or_default();
        prop_assert_eq!(Authority::parse(host).map(Authority::host), Ok(read.host()));
        prop_assert_eq!(read.port_or(443), uri.port_u16().unwrap_or(443), "{}", text);
    }
}
