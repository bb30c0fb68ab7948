use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;

fn environment(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
    let value = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name)?;
        Some(found.1.into())
    };
    move |name| value(name)
}

fn read(variables: &[(&str, &str)]) -> Result<Option<Proxies>, ConfigError> {
    ProxySource::Environment.read(&[], environment(variables))
}

fn proxy(proxies: &Proxies, uri: &'static str) -> Option<String> {
    let proxy = proxies.of(&Uri::from_static(uri))?;
    Some(proxy.uri().to_string())
}

const API: &str = "https://api.mypurecloud.com/api/v2/users";

#[test]
fn first_variable_that_is_not_empty_names_the_proxy() {
    let all = [
        ("HTTPS_PROXY", "http://one:1"),
        ("https_proxy", "http://two:2"),
        ("ALL_PROXY", "http://three:3"),
        ("all_proxy", "http://four:4"),
    ];
    for (at, (name, url)) in all.into_iter().enumerate() {
        let proxies = read(&all[at..]).unwrap().unwrap();
        assert_eq!(proxy(&proxies, API), Some(format!("{url}/")));
        assert_eq!(proxies.of(&Uri::from_static(API)).unwrap().setting(), name);
        let mut empty = all;
        empty[at].1 = " ";
        let next = read(&empty[at..]).unwrap();
        let next = next.and_then(|proxies| proxy(&proxies, API));
        let expected = all.get(at + 1).map(|(_, url)| format!("{url}/"));
        assert_eq!(next, expected);
    }
    // For http only, which goes to no proxy.
    assert!(
        read(&[
            ("HTTP_PROXY", "http://one:1"),
            ("http_proxy", "http://one:1")
        ])
        .unwrap()
        .is_none()
    );
}

#[test]
fn exceptions_are_domains_addresses_and_networks() {
    let list = "example.com, .internal,10.0.0.0/8,192.168.1.7,fd00::/8,,";
    for name in ["NO_PROXY", "no_proxy"] {
        let proxies = read(&[("HTTPS_PROXY", "http://proxy:3128"), (name, list)]);
        let proxies = proxies.unwrap().unwrap();
        for (uri, proxied) in [
            (API, true),
            ("https://example.com/", false),
            ("https://EXAMPLE.com:8443/", false),
            ("https://api.example.com/", false),
            ("https://notexample.com/", true),
            ("https://host.internal/", false),
            ("https://internal/", false),
            ("https://10.1.2.3/", false),
            ("https://11.1.2.3/", true),
            ("https://192.168.1.7/", false),
            ("https://192.168.1.8/", true),
            ("https://[fd00::1]/", false),
            ("https://[fe00::1]/", true),
            ("http://localhost/", false),
        ] {
            assert_eq!(proxy(&proxies, uri).is_some(), proxied, "{uri}");
        }
    }
    let none = read(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "*")]);
    assert_eq!(proxy(&none.unwrap().unwrap(), API), None);
}

#[test]
fn exceptions_of_the_builder_come_to_those_of_the_environment() {
    let variables = [
        ("HTTPS_PROXY", "http://proxy:3128"),
        ("NO_PROXY", "a.example"),
    ];
    let exceptions = ["b.example".to_owned(), "c.example,d.example".to_owned()];
    let proxies = ProxySource::Environment.read(&exceptions, environment(&variables));
    let proxies = proxies.unwrap().unwrap();
    for uri in [
        "https://a.example/",
        "https://b.example/",
        "https://c.example/",
        "https://d.example/",
    ] {
        assert_eq!(proxy(&proxies, uri), None, "{uri}");
    }
    // A proxy that is given has nothing to do with the environment.
    let url = ProxySource::Url("http://other:1".to_owned().into());
    let proxies = url
        .read(&exceptions, environment(&variables))
        .unwrap()
        .unwrap();
    assert!(proxy(&proxies, "https://a.example/").is_some());
    assert!(proxy(&proxies, "https://b.example/").is_none());
    assert!(
        ProxySource::None
            .read(&[], environment(&variables))
            .unwrap()
            .is_none()
    );
}

#[test]
fn user_and_password_are_decoded_and_kept_out_of_the_uri() {
    for (url, uri, basic) in [
        (
            "http://user:p%40ss%3Aw%2Fd@proxy:3128",
            "http://proxy:3128/",
            Some("user:p@ss:w/d"),
        ),
        (
            "user:pa:ss@proxy:3128",
            "http://proxy:3128/",
            Some("user:pa:ss"),
        ),
        (
            "http://domain%5Cuser@proxy",
            "http://proxy/",
            Some("domain\\user:"),
        ),
        (
            "https://u:p@[::1]:3128/path",
            "https://[::1]:3128/",
            Some("u:p"),
        ),
        ("proxy:3128", "http://proxy:3128/", None),
        (" http://10.0.0.1:3128\n", "http://10.0.0.1:3128/", None),
    ] {
        let proxies = read(&[("HTTPS_PROXY", url)]).unwrap().unwrap();
        let proxy = proxies.of(&Uri::from_static(API)).unwrap();
        assert_eq!(proxy.uri(), uri);
        let expected = basic.map(|basic| format!("Basic {}", BASE64_STANDARD.encode(basic)));
        let credentials = proxy
            .credentials()
            .map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(credentials, expected, "{url}");
        assert!(proxy.credentials().is_none_or(HeaderValue::is_sensitive));
        assert!(!format!("{proxies:?}").contains("user"), "{proxies:?}");
    }
}

#[test]
fn what_is_no_proxy_is_an_error_that_names_the_variable_and_shows_nothing() {
    for url in [
        "http://user:s3cr3t",
        "http://user:s3cr3t@",
        "http://user:s3cr3t@:3128",
        "http://user:s3cr3t@proxy:",
        "http://user:s3cr3t@proxy:99999",
        "http://user:s3cr3t@proxy:port",
        "http://user:s3cr3t/@proxy:3128",
        "http://user:s3cr3t#@proxy:3128",
        "http://user:s3cr3t?@proxy:3128",
        "http://user:s3cr3t %@proxy:3128",
        "http://user:@s3cr3t@proxy:3128",
        "http://user:123#s3cr3t@proxy:3128",
        "http://user:123/s3cr3t@proxy:3128",
        "http://user:123?s3cr3t@proxy:3128",
        "http://user@s3cr3t@proxy:3128",
        "socks4://user:s3cr3t@proxy",
        "socks5h://user:s3cr3t@proxy",
        "ftp://user:s3cr3t@proxy",
        "/s3cr3t",
        "http:///s3cr3t",
    ] {
        for variable in VARIABLES {
            let error = read(&[(variable, url)]).expect_err(url);
            assert_eq!(error.kind(), ConfigErrorKind::Proxy);
            let text = format!("{error} {error:?}");
            assert!(text.contains(variable), "{text}");
            assert!(text.contains("without_proxy"), "{text}");
            assert!(
                !text.contains("s3cr3t") && !text.contains("user:"),
                "{text}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_an_error_that_names_it() {
    use std::os::unix::ffi::OsStringExt;

    for name in ["HTTPS_PROXY", "no_proxy"] {
        let look_up = |asked: &str| match asked {
            _ if asked == name => Some(OsString::from_vec(vec![0xff])),
            "ALL_PROXY" => Some("http://proxy:3128".into()),
            _ => None,
        };
        let error = ProxySource::Environment.read(&[], look_up).unwrap_err();
        assert!(
            error.to_string().contains(&format!("{name} is not UTF-8")),
            "{error}"
        );
    }
}

#[test]
fn a_password_with_a_character_that_ends_a_url_is_told_how_to_write_it() {
    for (character, written) in [("#", "`%23`"), ("/", "`%2F`"), ("?", "`%3F`")] {
        let url = format!("http://user:123{character}s3cr3t@proxy:3128");
        let error = read(&[("HTTPS_PROXY", &url)]).unwrap_err();
        assert!(error.to_string().contains(written), "{error}");
    }
}

#[test]
fn an_exception_of_the_environment_that_matches_nothing_is_kept_for_the_errors() {
    let proxies = read(&[
        ("HTTPS_PROXY", "http://proxy:3128"),
        ("no_proxy", "a.test *.b.test http://u:s3cr3t@c.test 10."),
    ]);
    let proxies = proxies.unwrap().unwrap();
    assert_eq!(proxy(&proxies, "https://x.b.test/"), None);
    let of = proxies.of(&Uri::from_static(API)).unwrap();
    let ignored = of.ignored().unwrap();
    assert!(ignored.starts_with("no_proxy names"), "{ignored}");
    assert!(
        ignored.contains("`10.`") && !ignored.contains("s3cr3t"),
        "{ignored}"
    );

    let proxies = read(&[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", "a.test")]);
    let of = proxies
        .unwrap()
        .unwrap()
        .of(&Uri::from_static(API))
        .unwrap();
    assert_eq!(of.ignored(), None);
}
