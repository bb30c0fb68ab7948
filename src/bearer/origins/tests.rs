use super::*;

fn refusal(origins: &Origins, uri: &str) -> Option<OriginErrorKind> {
    origins.refusal(&uri.parse().unwrap())
}

#[test]
fn the_same_origin_in_other_spellings_is_allowed() {
    let origins = Origins::of_host("API.mypurecloud.com.").unwrap();
    let origins = origins.with_host("[2001:db8:0::1]:8443").unwrap();
    for uri in [
        "https://api.mypurecloud.com/api/v2/users?pageSize=1",
        "https://API.MYPURECLOUD.COM/",
        "https://api.mypurecloud.com:443/",
        "https://api.mypurecloud.com./",
        "https://[2001:DB8::1]:8443/",
    ] {
        assert_eq!(refusal(&origins, uri), None, "{uri}");
    }
}

#[test]
fn another_origin_is_not() {
    use OriginErrorKind as Kind;
    let origins = Origins::of_host("api.mypurecloud.com").unwrap();
    for (uri, kind) in [
        ("/api/v2/users", Kind::NoHost),
        ("http://api.mypurecloud.com/", Kind::NotHttps),
        ("ws://api.mypurecloud.com/", Kind::NotHttps),
        ("https://api.mypurecloud.com@evil.example/", Kind::UserInfo),
        ("https://user:pw@api.mypurecloud.com/", Kind::UserInfo),
        ("https://api.mypurecloud.com.evil.example/", Kind::Foreign),
        ("https://evil-api.mypurecloud.com/", Kind::Foreign),
        ("https://mypurecloud.com/", Kind::Foreign),
        ("https://api.mypurecloud.com:8443/", Kind::Foreign),
        ("https://api.mypurecloud.com../", Kind::Foreign),
        ("https://127.0.0.1/", Kind::Foreign),
        ("https://localhost/", Kind::Foreign),
        ("https://api.mypurecloud.com:99999/", Kind::Foreign),
        ("https://api.mypurecloud.com:/", Kind::Foreign),
        ("https://api.mypurecloud.com:+443/", Kind::Foreign),
    ] {
        assert_eq!(refusal(&origins, uri), Some(kind), "{uri}");
    }
}

#[test]
fn loopback_is_allowed_when_asked_for_and_nothing_that_looks_like_it() {
    let origins = Origins::none().with_loopback();
    for uri in [
        "http://127.0.0.1:8080/",
        "http://127.0.0.1/",
        "http://127.9.9.9:1/",
        "http://localhost:1/",
        "https://[::1]/",
        "http://localhost./",
        "http://127.0.0.1.:8080/",
        "http://[0:0:0:0:0:0:0:1]:8080/",
    ] {
        assert_eq!(refusal(&origins, uri), None, "{uri}");
    }
    for uri in [
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.10.evil.example/",
        "http://localhost.evil.example/",
    ] {
        assert_eq!(
            refusal(&origins, uri),
            Some(OriginErrorKind::NotHttps),
            "{uri}"
        );
    }
    for uri in [
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:80@evil.example/",
    ] {
        assert_eq!(
            refusal(&origins, uri),
            Some(OriginErrorKind::UserInfo),
            "{uri}"
        );
    }
    assert_eq!(
        refusal(&origins, "ftp://127.0.0.1/"),
        Some(OriginErrorKind::NotHttps)
    );
}

#[test]
fn an_error_shows_no_user_info() {
    let origins = Origins::of_host("api.mypurecloud.com").unwrap();
    let uri = "https://user:pw@evil.example/".parse().unwrap();
    let Verdict::Refused(error) = origins.check(&uri) else {
        panic!("it was allowed")
    };
    assert!(!format!("{error} {error:?}").contains("pw"));
    assert!(error.to_string().contains("evil.example"));
}

#[test]
fn what_is_no_host_is_an_error_that_says_what_to_write_and_shows_no_password() {
    for (text, expected) in [
        (
            "https://api.mypurecloud.com/",
            "`https://api.mypurecloud.com/`",
        ),
        ("", "is empty"),
        ("api.mypurecloud.com:+443", "`api.mypurecloud.com:+443`"),
        ("me:s3cr3t@api.mypurecloud.com", "a user name or a password"),
    ] {
        let error = Origins::of_host(text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        assert!(shown.contains("gw.example:8443"), "{shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    let error = Origins::of_host(&"é\n".repeat(10_000)).unwrap_err();
    assert!(error.to_string().len() < 1000);
}

/// The fast path decides almost all requests. It may allow only URIs that the
/// slow path allows, too. A URI that it does not know only costs time.
#[test]
fn a_host_as_it_is_listed_takes_the_fast_path() {
    let origins = Origins::of_host("api.mypurecloud.com").unwrap();
    let loopback = Origins::none().with_loopback();
    for (origins, uri, fast) in [
        (&origins, "https://api.mypurecloud.com/api/v2/users", true),
        (&origins, "https://API.MyPureCloud.com/", true),
        (&origins, "http://api.mypurecloud.com/", false),
        (&origins, "https://login.mypurecloud.com/", false),
        (&origins, "https://api.mypurecloud.com:443/", false),
        (&origins, "http://127.0.0.1/", false),
        (&loopback, "http://127.0.0.1/", true),
        (&loopback, "https://127.0.0.1:8443/", true),
        (&loopback, "http://127.0.0.1:/", false),
        (&loopback, "http://127.0.0.1:99999/", false),
        (&loopback, "http://localhost/", false),
        (&loopback, "ws://127.0.0.1/", false),
    ] {
        let uri = uri.parse().unwrap();
        assert_eq!(origins.allows_as_written(&uri), fast, "{uri}");
    }
}

#[test]
fn an_error_of_a_host_says_what_is_missing() {
    for (host, what) in [
        ("", "the host is empty; "),
        (":443", "`:443` has no host; "),
        ("gw.example:port", "`gw.example:port` has an invalid port; "),
    ] {
        let error = Origins::of_host(host).unwrap_err().to_string();
        assert!(error.starts_with(what), "{error}");
    }
}
