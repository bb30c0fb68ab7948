use std::error::Error;

use super::*;
use crate::genesys::{RegionError, RegionErrorKind};

const CLIENT: [(&str, &str); 2] = [
    ("GENESYS_CLIENT_ID", "id"),
    ("GENESYS_CLIENT_SECRET", "s3cr3t"),
];
const LOGIN: &str = "https://gw.example/login";
const API: &str = "https://gw.example:8443/genesys";

fn read_from(variables: &[(&str, &str)]) -> Result<Environment, ConfigError> {
    read(|name| {
        let found = variables.iter().find(|(known, _)| *known == name)?;
        Some(found.1.into())
    })
}

fn read_with_client(variables: &[(&str, &str)]) -> Result<Environment, ConfigError> {
    read_from(&[&CLIENT, variables].concat())
}

#[test]
fn reads_our_names_and_else_those_of_terraform() {
    let found = read_from(&[
        ("GENESYS_CLIENT_ID", "ours"),
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "theirs"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s3cr3t"),
        ("GENESYSCLOUD_REGION", "eu_west_1"),
    ])
    .unwrap();
    assert_eq!(found.region, Region::EU_WEST_1);
    let credentials = found.credentials;
    assert_eq!((credentials.id(), credentials.secret()), ("ours", "s3cr3t"));
    assert!(!found.loopback);
}

#[test]
fn every_form_of_a_place_is_read() {
    let custom = Region::custom(LOGIN, API).unwrap();
    let local = Region::custom("http://127.0.0.1:8080", "http://[::1]:8080").unwrap();
    let (login, api) = ("GENESYS_LOGIN_URL", "GENESYS_API_URL");
    let loopback = ("GENESYS_ALLOW_LOOPBACK", "1");
    let table: [(&[(&str, &str)], _); 14] = [
        (&[("GENESYS_REGION", "eu-west-1")], Region::EU_WEST_1),
        (&[("GENESYS_REGION", " eu_west_1\n")], Region::EU_WEST_1),
        (
            &[("GENESYS_ENVIRONMENT", "mypurecloud.ie")],
            Region::EU_WEST_1,
        ),
        (
            &[("GENESYS_ENVIRONMENT", "api.mypurecloud.ie")],
            Region::EU_WEST_1,
        ),
        (
            &[("GENESYS_ENVIRONMENT", "https://api.mypurecloud.ie/")],
            Region::EU_WEST_1,
        ),
        (&[("GENESYSCLOUD_REGION", "eu-west-1")], Region::EU_WEST_1),
        (
            &[
                ("GENESYS_REGION", "eu-west-1"),
                ("GENESYS_ENVIRONMENT", "mypurecloud.ie"),
            ],
            Region::EU_WEST_1,
        ),
        (
            &[
                ("GENESYS_REGION", ""),
                ("GENESYS_ENVIRONMENT", "mypurecloud.ie"),
            ],
            Region::EU_WEST_1,
        ),
        (&[(login, LOGIN), (api, API)], custom.clone()),
        (
            &[("GENESYS_REGION", "us-east-1"), (login, LOGIN), (api, API)],
            custom,
        ),
        (
            &[("GENESYS_REGION", "us-east-1"), (login, ""), (api, "")],
            Region::US_EAST_1,
        ),
        (
            &[
                (login, "http://127.0.0.1:8080"),
                (api, "http://[::1]:8080"),
                loopback,
            ],
            local,
        ),
        (
            &[
                (login, "https://login.mypurecloud.com"),
                (api, "https://api.mypurecloud.com"),
            ],
            Region::US_EAST_1,
        ),
        (
            &[("GENESYS_REGION", "us-east-1"), loopback],
            Region::US_EAST_1,
        ),
    ];
    for (variables, region) in table {
        let found = read_with_client(variables).unwrap();
        assert_eq!(found.region, region, "{variables:?}");
        assert_eq!(
            found.loopback,
            variables.contains(&loopback),
            "{variables:?}"
        );
    }
}

#[test]
fn what_cannot_work_names_the_variables_to_correct() {
    use ConfigErrorKind as Kind;
    let (region, environment) = ("GENESYS_REGION", "GENESYS_ENVIRONMENT");
    let (login, api) = ("GENESYS_LOGIN_URL", "GENESYS_API_URL");
    let loopback = ("GENESYS_ALLOW_LOOPBACK", "1");
    #[expect(clippy::type_complexity, reason = "a table reads best in one place")]
    let table: [(&[(&str, &str)], _, &[&str]); 12] = [
        (
            &[],
            Kind::Variable,
            &[region, environment, "GENESYSCLOUD_REGION"],
        ),
        (
            &[(region, "")],
            Kind::Variable,
            &["GENESYS_REGION is empty"],
        ),
        (&[(region, "us-middle-7")], Kind::Region, &[region]),
        (
            &[(environment, "production")],
            Kind::Region,
            &[environment, "production"],
        ),
        (
            &[(region, "eu-west-1"), (environment, "mypurecloud.com")],
            Kind::Region,
            &[region, environment, "eu-west-1", "us-east-1"],
        ),
        (
            &[
                ("GENESYSCLOUD_REGION", "eu-west-1"),
                (environment, "mypurecloud.com"),
            ],
            Kind::Region,
            &["GENESYSCLOUD_REGION", environment],
        ),
        (&[(login, LOGIN)], Kind::Variable, &[login, api]),
        (
            &[(api, API), (region, "eu-west-1")],
            Kind::Variable,
            &[login, api],
        ),
        (
            &[(login, "https://gw.example/oauth/token"), (api, API)],
            Kind::Region,
            &[login, "/oauth/token"],
        ),
        (
            &[(login, LOGIN), (api, "http://127.0.0.1:8080")],
            Kind::Region,
            &[api, "GENESYS_ALLOW_LOOPBACK"],
        ),
        (
            &[(login, "http://gw.example"), (api, API), loopback],
            Kind::Region,
            &[login, "https"],
        ),
        (
            &[(region, "eu-west-1"), ("GENESYS_ALLOW_LOOPBACK", "yes")],
            Kind::Variable,
            &["GENESYS_ALLOW_LOOPBACK"],
        ),
    ];
    for (variables, kind, named) in table {
        let error = read_with_client(variables).unwrap_err();
        assert_eq!(error.kind(), kind, "{variables:?}: {error}");
        let cause = error.source().map(ToString::to_string);
        let text = format!("{error}: {}", cause.unwrap_or_default());
        for name in named {
            assert!(text.contains(name), "{variables:?}: {text}");
        }
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
}

#[test]
fn the_cause_of_a_wrong_region_or_url_is_in_the_chain_and_not_in_the_text() {
    let table: [(&[(&str, &str)], _); 2] = [
        (
            &[("GENESYS_REGION", "us-middle-7")],
            RegionErrorKind::Unknown,
        ),
        (
            &[
                ("GENESYS_LOGIN_URL", LOGIN),
                ("GENESYS_API_URL", "gw.example"),
            ],
            RegionErrorKind::MissingScheme,
        ),
    ];
    for (variables, kind) in table {
        let error = read_with_client(variables).unwrap_err();
        let cause = error.source().and_then(|cause| cause.downcast_ref());
        let cause: &RegionError = cause.expect("a cause");
        assert_eq!(cause.kind(), kind);
        assert!(!error.to_string().contains(&cause.to_string()), "{error}");
        // As from `?` in a program that parses the region by itself.
        let converted = ConfigError::from(cause.clone());
        let source = converted.source().and_then(|cause| cause.downcast_ref());
        assert_eq!(source, Some(cause));
    }
}

#[test]
fn names_the_client_variable_that_is_missing_or_empty() {
    for (at, (name, _)) in CLIENT.into_iter().enumerate() {
        let mut some = vec![("GENESYS_REGION", "us-east-1")];
        some.push(CLIENT[1 - at]);
        let error = read_from(&some).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Variable);
        assert!(error.to_string().contains(name), "{error}");
        some.push((name, ""));
        let error = read_from(&some).unwrap_err();
        let empty = format!("{name} is empty");
        assert!(error.to_string().contains(&empty), "{error}");
    }
}
