use std::ffi::OsString;

use secrecy::SecretString;

use super::{ConfigError, ConfigErrorKind, Credentials, Region};

/// Ours, and the name that Genesys' Terraform provider has for the same.
const CLIENT_ID: [&str; 2] = ["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"];
const CLIENT_SECRET: [&str; 2] = ["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"];
const REGION: [&str; 2] = ["GENESYS_REGION", "GENESYSCLOUD_REGION"];

/// Reads region and credentials by a function that looks variables up.
pub(super) fn read(
    look_up: impl Fn(&str) -> Option<OsString>,
) -> Result<(Region, Credentials), ConfigError> {
    let (_, id) = variable(&look_up, CLIENT_ID)?;
    let (_, secret) = variable(&look_up, CLIENT_SECRET)?;
    let (name, region) = variable(&look_up, REGION)?;
    let region = Region::parse(&region)
        .map_err(|error| ConfigError::new(ConfigErrorKind::Region, format!("{name}: {error}")))?;
    Ok((region, Credentials::new(id, SecretString::from(secret))?))
}

fn variable(
    look_up: impl Fn(&str) -> Option<OsString>,
    names: [&'static str; 2],
) -> Result<(&'static str, String), ConfigError> {
    let found = names
        .into_iter()
        .find_map(|name| Some((name, look_up(name)?)));
    let [name, other] = names;
    let message = match found {
        Some((name, value)) => match value.into_string() {
            Ok(value) if !value.is_empty() => return Ok((name, value)),
            Ok(_) => format!("the environment variable {name} is empty; give it a value"),
            Err(_) => format!("the environment variable {name} is not UTF-8; set it again"),
        },
        None => format!("the environment variable {name} is not set (nor is {other}); set it"),
    };
    Err(ConfigError::new(ConfigErrorKind::Variable, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(variables: &[(&str, &str)]) -> Result<(Region, Credentials), ConfigError> {
        read(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, v)| (*v).into())
        })
    }

    #[test]
    fn reads_our_names_and_else_those_of_terraform() {
        let (region, credentials) = read_from(&[
            ("GENESYS_CLIENT_ID", "ours"),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", "theirs"),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", "s3cr3t"),
            ("GENESYSCLOUD_REGION", "eu_west_1"),
        ])
        .unwrap();
        assert_eq!(region, Region::EU_WEST_1);
        assert_eq!((credentials.id(), credentials.secret()), ("ours", "s3cr3t"));
    }

    #[test]
    fn names_the_variable_that_is_missing_or_wrong() {
        let all = [
            ("GENESYS_CLIENT_ID", "id"),
            ("GENESYS_CLIENT_SECRET", "s3cr3t"),
            ("GENESYS_REGION", "us-east-1"),
        ];
        for (at, (name, _)) in all.into_iter().enumerate() {
            let mut some = all.to_vec();
            some.remove(at);
            let error = read_from(&some).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::Variable);
            assert!(error.to_string().contains(name), "{error}");
            some.push((name, ""));
            let error = read_from(&some).unwrap_err();
            assert!(
                error.to_string().contains(&format!("{name} is empty")),
                "{error}"
            );
        }
        let mut wrong = all;
        wrong[2].1 = "us-middle-7";
        let error = read_from(&wrong).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Region);
        assert!(error.to_string().contains("GENESYS_REGION"), "{error}");
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
}
