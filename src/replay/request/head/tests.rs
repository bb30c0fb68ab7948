use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;

use super::*;

impl FlatHead {
    /// Creates a head whose bytes are malformed.
    pub(in crate::replay) fn damaged() -> Self {
        Self::from(b"damaged".to_vec())
    }
}

fn copied(request: &Request<()>) -> Option<Request<()>> {
    let head = FlatHead::of(request);
    if !head.is_readable() {
        return None;
    }
    assert_eq!(head.uri(), request.uri());
    let mut copy = Request::new(());
    let (uri, headers) = head.into_parts();
    *copy.uri_mut() = uri;
    *copy.headers_mut() = headers;
    Some(copy)
}

fn parts_of(uri: &Uri) -> String {
    format!("{:?} {uri}", pieces(uri))
}

fn assert_same(copy: &Request<()>, request: &Request<()>) {
    assert_eq!(parts_of(copy.uri()), parts_of(request.uri()));
    assert_eq!(copy.uri(), request.uri());
    let [copied, sent] = [copy, request].map(|it| it.headers().iter().collect::<Vec<_>>());
    assert_eq!(copied, sent);
    let sensitive = |it: &Request<()>| {
        let values = it.headers().values().map(HeaderValue::is_sensitive);
        values.collect::<Vec<_>>()
    };
    assert_eq!(sensitive(copy), sensitive(request));
}

/// Header names: a few that occur repeatedly, standard ones (which `http` keeps
/// as numbers) and others, and names of all permitted characters.
fn name() -> impl Strategy<Value = HeaderName> {
    prop_oneof![
        prop::sample::select(vec![
            "accept",
            "cookie",
            "authorization",
            "x-trace",
            "traceparent"
        ])
        .prop_map(HeaderName::from_static),
        "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}"
            .prop_map(|name| HeaderName::from_bytes(name.as_bytes()).unwrap()),
    ]
}

/// Header values, from each constructor that a program can use.
fn value() -> impl Strategy<Value = HeaderValue> {
    let byte = prop_oneof![Just(b'\t'), 0x20_u8..=0x7e, 0x80_u8..=0xff];
    prop_oneof![
        prop::collection::vec(byte, 0..80).prop_map(|it| HeaderValue::from_bytes(&it).unwrap()),
        "[ -~]{0,80}".prop_map(|it| HeaderValue::from_str(&it).unwrap()),
        any::<i64>().prop_map(HeaderValue::from),
        any::<u16>().prop_map(HeaderValue::from),
        name().prop_map(HeaderValue::from),
    ]
}

fn uri() -> impl Strategy<Value = Uri> {
    let scheme = prop_oneof![
        Just("https".to_owned()),
        Just("http".to_owned()),
        "[a-zA-Z][a-zA-Z0-9+.-]{0,10}",
    ];
    let authority = prop_oneof![
        "([a-z0-9%:]{1,8}@)?[A-Za-z0-9.-]{1,20}(:[0-9]{1,5})?",
        Just("[2001:db8::1]:443".to_owned()),
    ];
    let path = prop_oneof![
        Just(String::new()),
        Just("*".to_owned()),
        "/?[a-zA-Z0-9/%._~-]{0,30}(\\?[a-zA-Z0-9=&?/%{}\"|^]{0,30})?",
        "/\\PC{0,20}",
    ];
    let parts = (any::<[bool; 3]>(), scheme, authority, path).prop_filter_map(
        "what is no URI",
        |([has_scheme, has_authority, has_path], scheme, authority, path)| {
            let mut parts = Parts::default();
            if has_scheme {
                parts.scheme = Some(scheme.parse().ok()?);
            }
            if has_authority {
                parts.authority = Some(authority.parse().ok()?);
            }
            if has_path {
                parts.path_and_query = Some(path.parse().ok()?);
            }
            Uri::from_parts(parts).ok()
        },
    );
    let parsed = "\\PC{0,40}".prop_filter_map("what is no URI", |uri| uri.parse().ok());
    prop_oneof![4 => parts, 1 => parsed]
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn every_header_and_every_uri_come_back(
        uri in uri(),
        headers in prop::collection::vec((name(), value(), any::<bool>()), 0..30),
        removed in prop::collection::vec(name(), 0..3),
    ) {
        let mut request = Request::new(());
        *request.uri_mut() = uri;
        for (name, mut value, sensitive) in headers {
            value.set_sensitive(sensitive);
            request.headers_mut().append(name, value);
        }
        // A removal changes the order of the map.
        for name in removed {
            request.headers_mut().remove(name);
        }
        let copy = copied(&request).expect("it was made by the checks of `http`");
        assert_same(&copy, &request);
    }

    /// Reading arbitrary bytes never panics, and never goes past their end.
    #[test]
    fn any_bytes_are_read_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let head = FlatHead::from(bytes);
        let _ = (head.uri().path(), head.is_readable());
        let _ = head.into_parts();
    }
}

#[test]
fn unusual_uris_are_restored() {
    for uri in [
        "*",
        "/",
        "/a?b=c?d",
        "api.example:443",
        "https://api.example",
        "https://api.example?x",
        "HTTPS://API.example:443/A",
        "https://user:pw@api.example/",
        "coap+tcp://[::1]/",
        "/caf\u{e9}?q=\u{1f980}",
    ] {
        let request = Request::get(uri).body(()).unwrap();
        assert_same(&copied(&request).unwrap(), &request);
    }
    let mut none = Request::new(());
    *none.uri_mut() = Uri::from_parts(Parts::default()).unwrap();
    assert_eq!(copied(&none).unwrap().uri().path(), "");
}

/// A value that was built without the checks of `http` must not lead to half a
/// request.
#[test]
fn what_cannot_be_made_again_is_noticed() {
    let request = Request::get("https://api.example/").header("a-name", "a value");
    let head = FlatHead::of(&request.body(()).unwrap());
    assert!(head.is_readable());
    for damage in [b"https", &b"a-name"[..], b"a value"] {
        let mut bytes = head.bytes.clone();
        let at = bytes.windows(damage.len()).position(|it| it == damage);
        bytes[at.unwrap()] = b'\n';
        assert!(!FlatHead::from(bytes).is_readable(), "{damage:?}");
    }
}

#[test]
fn the_longest_name_comes_back() {
    let longest = "x".repeat(usize::from(u16::MAX));
    let name = HeaderName::try_from(&longest).unwrap();
    let request = Request::get("/").header(name, "1").header("a", "2");
    let request = request.body(()).unwrap();
    assert_same(&copied(&request).unwrap(), &request);
    assert!(!FlatHead::unreadable().is_readable());
}
