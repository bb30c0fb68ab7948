use std::collections::HashSet;

use http::Uri;
use proptest::prelude::*;

use super::{Region, RegionErrorKind as Kind};
use crate::{authority::Authority, bearer::Origins};

fn kind(text: &str) -> Kind {
    Region::parse(text).expect_err(text).kind()
}

fn custom_kind(base: &str) -> Kind {
    let other = "https://gateway.example";
    let login = Region::custom(base, other).expect_err(base);
    let api = Region::custom(other, base).expect_err(base);
    assert_eq!(login.kind(), api.kind());
    login.kind()
}

#[test]
fn the_table_is_complete_and_without_doubles() {
    assert_eq!(Region::all().len(), 18);
    let names: HashSet<_> = Region::all().iter().map(Region::name).collect();
    let domains: HashSet<_> = Region::all().iter().map(Region::domain).collect();
    assert_eq!((names.len(), domains.len()), (18, 18));
    for region in Region::all() {
        let domain = region.domain().unwrap();
        assert_eq!(region.login_host(), format!("login.{domain}"));
        assert_eq!(region.api_host(), format!("api.{domain}"));
        assert_eq!(region.login_base(), *format!("https://login.{domain}/"));
        assert_eq!(region.api_base(), *format!("https://api.{domain}/"));
        assert_eq!(
            region.token_url(),
            *format!("https://login.{domain}/oauth/token")
        );
    }
}

#[test]
fn every_spelling_of_every_region_is_understood() {
    for region in Region::all() {
        let domain = region.domain().unwrap();
        let name = region.name();
        let spellings = [
            name.to_owned(),
            name.replace('-', "_"),
            name.to_uppercase(),
            domain.to_owned(),
            format!("{domain}."),
            format!("{domain}:443"),
            format!("api.{domain}"),
            format!("login.{domain}"),
            format!("apps.{domain}"),
            format!("  https://api.{domain}/\n"),
            format!("HTTPS://LOGIN.{}:443/", domain.to_uppercase()),
        ];
        for spelling in spellings {
            assert_eq!(Region::parse(&spelling).as_ref(), Ok(region), "{spelling}");
            assert_eq!(Region::parse(&spelling).unwrap().name(), name);
        }
    }
}

#[test]
fn a_region_newer_than_this_crate_is_known_by_its_domain() {
    let region = Region::parse("https://api.new1.pure.cloud").unwrap();
    assert_eq!(region.name(), "new1.pure.cloud");
    assert_eq!(region.domain(), Some("new1.pure.cloud"));
    assert_eq!(region, Region::parse("login.NEW1.pure.cloud").unwrap());
    assert_eq!(
        region.token_url(),
        "https://login.new1.pure.cloud/oauth/token"
    );
}

#[test]
fn look_alikes_are_refused() {
    for text in [
        "mypurecloud.com.evil.example",
        "evilmypurecloud.com",
        "api.evil.mypurecloud.com",
        "a.b.pure.cloud",
        "-.pure.cloud",
        "a_b.pure.cloud",
        "pure.cloud",
        "api.pure.cloud",
        "login.api.pure.cloud",
        ".pure.cloud",
        "mypurecloud.com:8443",
        "https://mypurecloud.com/api/v2",
        "mypurecloud.com\\.evil.example",
        "https://us-east-1/",
        "us-east-9",
        "mypurecloud。com",
    ] {
        assert_eq!(kind(text), Kind::Unknown, "{text}");
    }
    assert_eq!(kind(" \t"), Kind::Empty);
    assert_eq!(kind("http://api.mypurecloud.com"), Kind::Insecure);
    assert_eq!(kind("ftp://mypurecloud.com"), Kind::UnsupportedScheme);
    assert_eq!(kind("https://mypurecloud.com@evil.example"), Kind::UserInfo);
    assert_eq!(kind("mypurecloud.com?x=1"), Kind::QueryOrFragment);
}

#[test]
fn errors_say_what_to_write_and_repeat_no_password() {
    let error = Region::parse("us-esat-1").unwrap_err().to_string();
    assert!(error.contains("`us-esat-1`"), "{error}");
    assert!(error.contains("`us-east-1`"), "{error}");
    let secret = "https://me:hunter2@api.mypurecloud.com";
    for error in [
        Region::parse(secret).unwrap_err(),
        Region::custom(secret, secret).unwrap_err(),
        Region::custom("me:hunter2@host", secret).unwrap_err(),
        Region::custom("ftp://me:hunter2@host", secret).unwrap_err(),
        Region::US_EAST_1.api("me:hunter2@host").unwrap_err(),
    ] {
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let long = Region::parse(&"é\n".repeat(10_000))
        .unwrap_err()
        .to_string();
    assert!(long.len() < 1000 && !long.contains('\n'), "{long}");
}

#[test]
fn a_custom_pair_keeps_scheme_host_port_and_prefix() {
    let region = Region::custom("http://[::1]:8080", " https://GW.example.:8443/a/b/ ").unwrap();
    assert_eq!(region.name(), "custom");
    assert_eq!(region.domain(), None);
    assert_eq!(region.login_host(), "[::1]:8080");
    assert_eq!(region.login_base(), "http://[::1]:8080/");
    assert_eq!(region.api_base(), "https://gw.example:8443/a/b");
    assert_eq!(region.token_url(), "http://[::1]:8080/oauth/token");
    assert_eq!(
        region.api("/api/v2/users?q=a/../b").unwrap(),
        "https://gw.example:8443/a/b/api/v2/users?q=a/../b"
    );
    assert_eq!(
        region.to_string(),
        "login at http://[::1]:8080, API at https://gw.example:8443/a/b"
    );
}

#[test]
fn equal_bases_are_one_region() {
    let login = "https://LOGIN.mypurecloud.com:443/";
    let region = Region::custom(login, "https://api.mypurecloud.com").unwrap();
    assert_eq!(region, Region::US_EAST_1);
    assert_eq!(region.name(), "us-east-1");
    assert_ne!(region, Region::EU_WEST_1);
    let set: HashSet<_> = [region, Region::US_EAST_1].into_iter().collect();
    assert_eq!(set.len(), 1);
}

#[test]
fn wrong_base_urls_are_refused() {
    assert_eq!(custom_kind(""), Kind::MissingScheme);
    assert_eq!(custom_kind("gateway.example/x"), Kind::MissingScheme);
    assert_eq!(custom_kind("ws://gateway.example"), Kind::UnsupportedScheme);
    assert_eq!(custom_kind("https://"), Kind::MissingHost);
    assert_eq!(custom_kind("https:///x"), Kind::MissingHost);
    assert_eq!(custom_kind("https://:8080"), Kind::MissingHost);
    assert_eq!(custom_kind("https://a@gateway.example"), Kind::UserInfo);
    assert_eq!(
        custom_kind("https://gateway.example/?a=b"),
        Kind::QueryOrFragment
    );
    assert_eq!(
        custom_kind("https://gateway.example#a"),
        Kind::QueryOrFragment
    );
    for base in [
        "https://gateway.example:99999",
        "https://gateway.example:0",
        "https://gateway.example:+80",
        "https://gateway.example:",
        "https://gate way.example",
        "https://gateway..example",
        "https://gateway.example\\x",
        "https://[::1",
        "https://[nonsense]",
        "https://gateway.example/a/../b",
        "https://gateway.example/a b",
        "https://gateway.example//evil.example",
    ] {
        assert_eq!(custom_kind(base), Kind::InvalidUrl, "{base}");
    }
}

#[test]
fn a_base_url_with_the_path_of_a_request_is_refused() {
    for base in [
        "https://gateway.example/oauth/token",
        "https://gateway.example/OAuth/Token/",
        "https://login.mypurecloud.com/oauth/token",
        "https://gateway.example/genesys/api/v2",
        "https://gateway.example/login/oauth/authorize",
    ] {
        assert_eq!(custom_kind(base), Kind::Endpoint, "{base}");
        let error = Region::custom("https://gateway.example", base).unwrap_err();
        assert!(error.to_string().contains("leave that out"), "{error}");
    }
    let good = "https://gateway.example/api/v2/genesys";
    assert!(Region::custom(good, good).is_ok());
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for path in [
        "",
        "api/v2/users",
        "https://evil.example/",
        "//evil.example/api",
        "/\\evil.example",
        "/%5Cevil.example",
        "/%2fevil.example",
        "/api/../../oauth/token",
        "/api/%2E%2e/oauth",
        "/api/..%2foauth",
        "/api/v2/./users",
        "/api/v2/users#x",
        "/api/v2/us ers",
        "/api/v2/users\r\nHost: evil.example",
        "/api/v2/usérs",
    ] {
        let error = Region::US_EAST_1.api(path).expect_err(path);
        assert_eq!(error.kind(), Kind::InvalidPath, "{path}");
    }
    let long = format!("/{}", "a".repeat(70_000));
    assert_eq!(
        Region::US_EAST_1.api(&long).unwrap_err().kind(),
        Kind::InvalidPath
    );
}

#[test]
fn an_error_shows_the_part_of_the_query_that_it_objects_to() {
    let region = Region::US_EAST_1;
    for (query, shown, char) in [
        ("name=Anna Berg&sort=name", "name=Anna Berg", "' '"),
        ("a=1&expand=größe&b=2", "expand=gr\\u{f6}\\u{df}e", "'ö'"),
        ("a=1&name=x\n", "name=x", "'\\n'"),
        ("a=1&q=\"x\"", "q=\\\"x\\\"", "'\"'"),
        ("a=1&q=<5&b=2", "q=<5", "'<'"),
        ("interval=a>b", "interval=a>b", "'>'"),
        ("a=1&q=x#y&b=2", "q=x#y", "`#`"),
    ] {
        let path = format!("/api/v2/users?{query}");
        for error in [
            region.api(&path).expect_err(query),
            region.api_with_query(&path, [("c", "3")]).expect_err(query),
        ] {
            let text = error.to_string();
            let begin = format!("the query of the path `/api/v2/users` is invalid at `{shown}`: ");
            assert_eq!(error.kind(), Kind::InvalidPath, "{text}");
            assert!(text.starts_with(&begin), "{text}");
            assert!(text[begin.len()..].contains(char), "{text}");
        }
    }
    // The path is to blame, whatever comes behind it.
    for (path, char) in [("us ers", "' '"), ("us<ers", "'<'"), ("us`ers", "'`'")] {
        let error = region.api(&format!("/api/v2/{path}?a=1")).expect_err(path);
        let begin = format!("the path `/api/v2/{path}` is invalid: percent-encode {char},");
        assert!(error.to_string().starts_with(&begin), "{error}");
    }
}

#[test]
fn an_error_about_the_length_says_how_long_it_is() {
    let region = Region::US_EAST_1;
    let path = "/api/v2/users?";
    let longest = 65_534 - path.len();
    assert!(
        region
            .api(&format!("{path}{}", "a".repeat(longest)))
            .is_ok()
    );
    let error = region
        .api(&format!("{path}{}", "a".repeat(longest + 1)))
        .unwrap_err();
    assert!(
        error.to_string().contains("65535 bytes; 65534 are"),
        "{error}"
    );
}

#[test]
fn what_an_error_names_is_what_no_uri_takes() {
    for char in (0..=0x7f_u8).map(char::from) {
        for text in [format!("/a{char}b"), format!("/a?b{char}c")] {
            let taken = Region::US_EAST_1.api(&text);
            let plain = "https://api.mypurecloud.com";
            match taken {
                Ok(uri) => assert_eq!(uri.to_string(), format!("{plain}{text}")),
                Err(error) => assert!(!error.to_string().contains("bytes"), "{error}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), other in ".{0,40}") {
        let _ = Region::parse(&text);
        let _ = Region::custom(&text, &other);
        if let Ok(url) = Region::US_EAST_1.api(&text) {
            prop_assert_eq!(url.host(), Some("api.mypurecloud.com"));
        }
    }

    #[test]
    fn whatever_is_parsed_stays_in_its_domain(
        before in "(https?://|[a-z.@]{0,5})",
        host in "(api\\.|login\\.)?(mypurecloud\\.com|[a-z0-9.-]{1,8}\\.pure\\.cloud)",
        after in "[-a-z./:@?#\\\\0-9]{0,8}",
    ) {
        if let Ok(region) = Region::parse(&format!("{before}{host}{after}")) {
            let domain = region.domain().unwrap().to_owned();
            let known = Region::all().iter().any(|known| known.domain() == Some(&domain));
            prop_assert!(known || domain.ends_with(".pure.cloud"));
            let login = format!("login.{domain}");
            let url = region.token_url();
            prop_assert_eq!(url.host(), Some(&*login));
        }
    }

    #[test]
    fn whatever_base_is_taken_leads_there(
        scheme in "(https?|HTTPS)",
        host in "[a-z0-9.\\[\\]:@-]{0,12}",
        path in "[a-z/.%?#]{0,12}",
    ) {
        let base = format!("{scheme}://{host}{path}");
        if let Ok(region) = Region::custom(&base, &base) {
            let authority = region.token_url().authority().unwrap().to_string();
            prop_assert_eq!(authority, region.login_host());
            prop_assert!(region.api_base().query().is_none());
            prop_assert!(region.api("/api/v2/users").is_ok());
        }
    }

    /// Origins, regions and clients take the same texts for the same places.
    #[test]
    fn all_who_read_one_agree(text in crate::authority::tests::texts()) {
        let base = format!("https://{text}");
        let read = Authority::parse(&text);
        let origins = Origins::of_host(&text);
        let region = Region::custom(&base, &base);
        prop_assert_eq!(origins.is_ok(), read.is_ok(), "{}", text);
        prop_assert_eq!(region.is_ok(), read.is_ok(), "{}", text);
        if let (Ok(origins), Ok(region), Ok(read)) = (origins, region, read) {
            prop_assert!(origins.allows(&region.api_base()), "{}", text);
            prop_assert_eq!(region.api_host(), read.without_port(443).to_string());
            let uri: Uri = base.parse().expect("a region has read it");
            prop_assert!(origins.allows(&uri), "{}", text);
        }
        let plain = format!("http://{text}/");
        if let Ok(uri) = plain.parse::<Uri>() {
            let allowed = Origins::none().with_loopback().allows(&uri);
            prop_assert_eq!(allowed, Authority::parse(&text).is_ok_and(Authority::is_loopback), "{}", text);
        }
    }
}
