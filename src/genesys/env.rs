use std::{borrow::Cow, ffi::OsString};

use super::{
    ConfigError, ConfigErrorKind, Credentials, Region,
    credentials::{read_env, variable},
};

/// Ours, and the name that Genesys' Terraform provider has for the same.
const REGION: [Cow<'static, str>; 2] = [
    Cow::Borrowed("GENESYS_REGION"),
    Cow::Borrowed("GENESYSCLOUD_REGION"),
];

/// Reads region and credentials by a function that looks variables up.
pub(super) fn read(
    look_up: impl Fn(&str) -> Option<OsString>,
) -> Result<(Region, Credentials), ConfigError> {
    let credentials = read_env(&look_up)?;
    let (name, region) = variable(&look_up, &REGION)?;
    let region = Region::parse(&region)
        .map_err(|error| ConfigError::new(ConfigErrorKind::Region, format!("{name}: {error}")))?;
    Ok((region, credentials))
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
