use super::*;
use crate::{
    genesys::Region,
    token::{IssuedToken, source_fn},
};

const USERS: &str = "/api/v2/users?state=active&pageNumber=1";

fn org(region: Region) -> Org {
    let tokens =
        source_fn(|_| async { Ok(IssuedToken::new("t", std::time::Duration::from_secs(60))) });
    Org::builder(region)
        .allow_loopback()
        .build_from_source(tokens)
        .unwrap()
}

fn genesys() -> Org {
    org(Region::US_EAST_1)
}

fn gateway() -> Org {
    let region = Region::custom(
        "https://gw.example/login",
        "https://gw.example:8443/genesys",
    );
    org(region.unwrap())
}

fn follow(org: &Org, link: &str) -> Result<String, PageError> {
    let asked = Asked {
        org,
        method: "GET",
        path: USERS,
        verbatim: false,
    };
    resolve(&asked, link)
}

#[test]
fn a_link_in_whatever_form_leads_to_the_same_place_and_keeps_the_callers_query() {
    let place = "/api/v2/users?pageNumber=2&state=active";
    for link in [
        "/api/v2/users?pageNumber=2",
        "  /api/v2/users?pageNumber=2\t",
        "users?pageNumber=2",
        "?pageNumber=2",
        "/api/v2/users/?pageNumber=2",
    ] {
        let expected = if link.contains("users/?") {
            place.replace("users?", "users/?")
        } else {
            place.to_owned()
        };
        assert_eq!(follow(&genesys(), link).unwrap(), expected, "{link}");
        assert_eq!(follow(&gateway(), link).unwrap(), expected, "{link}");
    }
    for (org, link) in [
        (
            &genesys(),
            "https://API.mypurecloud.com./api/v2/users?pageNumber=2",
        ),
        (
            &genesys(),
            "https://api.mypurecloud.com:443/api/v2/users?pageNumber=2",
        ),
        (
            &gateway(),
            "https://gw.example:8443/genesys/api/v2/users?pageNumber=2",
        ),
        (&gateway(), "/genesys/api/v2/users?pageNumber=2"),
    ] {
        assert_eq!(follow(org, link).unwrap(), place, "{link}");
    }
}

#[test]
fn what_may_not_stand_in_a_uri_is_encoded() {
    for (link, place) in [
        ("/api/v2/users?name=a b", "name=a%20b"),
        ("/api/v2/users?name=\"a\"", "name=%22a%22"),
        ("/api/v2/users?name=Zoë", "name=Zo%C3%AB"),
        ("/api/v2/users?name=%20+a", "name=%20+a"),
        ("/api/v2/users?name=<a>{b}", "name=%3Ca%3E%7Bb%7D"),
    ] {
        let followed = follow(&genesys(), link).unwrap();
        assert_eq!(followed, format!("/api/v2/users?{place}&state=active"));
    }
}

#[test]
fn a_verbatim_link_keeps_nothing_and_a_post_is_not_steered() {
    let org = genesys();
    let asked = Asked {
        org: &org,
        method: "GET",
        path: "/api/v2/users/search?q64=abc&expand=x",
        verbatim: true,
    };
    let link = "/api/v2/users/search?q64=def";
    assert_eq!(resolve(&asked, link).unwrap(), link);
    let members = |method| Asked {
        org: &org,
        method,
        path: "/api/v2/routing/queues/7/members",
        verbatim: false,
    };
    let other = "/api/v2/routing/queues/8/members?pageNumber=2";
    assert!(
        resolve(&members("GET"), other).is_ok(),
        "the same operation"
    );
    assert!(resolve(&members("POST"), other).is_err());
}

#[test]
fn what_is_elsewhere_is_refused() {
    for (org, link) in [
        (&genesys(), "https://evil.example/api/v2/users"),
        (&genesys(), "//evil.example/api/v2/users"),
        (&genesys(), "http://api.mypurecloud.com/api/v2/users"),
        (&genesys(), "https://api.mypurecloud.com.evil.example/"),
        (&genesys(), "https://api.mypurecloud.com:8443/api/v2/users"),
        (
            &genesys(),
            "https://api.mypurecloud.com@evil.example/api/v2/users",
        ),
        (&genesys(), "https://user@api.mypurecloud.com/api/v2/users"),
        (
            &genesys(),
            "https://user@api.mypurecloud.com:443/api/v2/users",
        ),
        (&genesys(), "https://api.mypurecloud.com:+443/api/v2/users"),
        (&genesys(), "https://login.mypurecloud.com/api/v2/users"),
        (&genesys(), "/api/v2/../../oauth/token"),
        (&genesys(), "/api/v2/groups?pageNumber=2"),
        (&genesys(), "/api/v2/users/me?pageNumber=2"),
        (&genesys(), "groups"),
        (&genesys(), "/\\evil.example/"),
        (&genesys(), "/api/v2/users#x"),
        (&genesys(), "/api/v2/\nusers"),
        (&genesys(), "ftp://api.mypurecloud.com/"),
        (&genesys(), "javascript:alert(1)"),
        (&genesys(), ""),
        (&gateway(), "https://gw.example:8443/other/api/v2/users"),
        (&gateway(), "https://gw.example:8443/genesysx/api/v2/users"),
        (&gateway(), "https://gw.example:8443/api/v2/users"),
        (&gateway(), "https://gw.example/genesys/api/v2/users"),
        (&gateway(), "/other/api/v2/users"),
    ] {
        let error = follow(org, link).expect_err(link);
        assert_eq!(error.kind(), PageErrorKind::ForeignLink, "{link}");
        assert!(!error.to_string().contains("user@"), "{link}");
    }
}

#[test]
fn a_link_with_a_control_character_is_refused_and_other_characters_are_encoded() {
    for link in ["/a\u{7f}b", "/a\nb", "/a\u{85}b", "/a#b", "/a\\b"] {
        assert_eq!(encoded(link), None, "{link:?}");
    }
    assert_eq!(encoded(" /a b?c=ä\t").as_deref(), Some("/a%20b?c=%C3%A4"));
}
