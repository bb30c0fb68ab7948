//! Reads an organisation's settings from the environment, for `Org::from_env`.
//!
//! Two ways to name the same setting must agree: a silent choice between them
//! could send the secret to the wrong region.

use std::{borrow::Cow, ffi::OsString};

use super::{
    ConfigError, ConfigErrorKind, Credentials, Region,
    credentials::{read_env, variable},
};
use crate::{bearer::Origins, loopback};

type Name = Cow<'static, str>;

/// The variables that name the region: the crate's own, the one that many
/// programs use, and the one of Genesys' Terraform provider.
const REGION: [Name; 3] = [
    Cow::Borrowed("GENESYS_REGION"),
    Cow::Borrowed("GENESYS_ENVIRONMENT"),
    Cow::Borrowed("GENESYSCLOUD_REGION"),
];
const LOGIN_URL: &str = "GENESYS_LOGIN_URL";
const API_URL: &str = "GENESYS_API_URL";

/// The settings of an organisation in the environment.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) region: Region,
    pub(super) credentials: Credentials,
    pub(super) loopback: bool,
}

/// Reads the variables through a function that looks them up.
pub(super) fn read(look_up: impl Fn(&str) -> Option<OsString>) -> Result<Environment, ConfigError> {
    let credentials = read_env(&look_up)?;
    let loopback = loopback::from_env(&look_up)
        .map_err(|message| ConfigError::new(ConfigErrorKind::Variable, message))?;
    // Base URLs replace a region, even if its variable is set, too.
    let region = match base_urls(&look_up, loopback)? {
        Some(region) => region,
        None => region(&look_up)?,
    };
    Ok(Environment {
        region,
        credentials,
        loopback,
    })
}

/// Returns the base URLs in place of a region, or `None` if neither is set.
fn base_urls(
    look_up: impl Fn(&str) -> Option<OsString>,
    loopback: bool,
) -> Result<Option<Region>, ConfigError> {
    let is_set = |name| look_up(name).is_some_and(|value| !value.is_empty());
    let (missing, other) = match (is_set(LOGIN_URL), is_set(API_URL)) {
        (false, false) => return Ok(None),
        (true, true) => {
            let (_, login) = variable(&look_up, &[LOGIN_URL.into()])?;
            let (_, api) = variable(&look_up, &[API_URL.into()])?;
            return custom(&login, &api, loopback).map(Some);
        }
        (false, true) => (LOGIN_URL, API_URL),
        (true, false) => (API_URL, LOGIN_URL),
    };
    let message = format!(
        "the environment variable {other} is set, but {missing} is not; set both, or unset {other} to \
         use the base URLs of the region"
    );
    Err(ConfigError::new(ConfigErrorKind::Variable, message))
}

/// Builds the region of a gateway. Both URLs must be https, because secrets go
/// to one and tokens to the other; http is for this machine only.
fn custom(login: &str, api: &str, loopback: bool) -> Result<Region, ConfigError> {
    let wrong = |message: String| ConfigError::new(ConfigErrorKind::Region, message);
    let region = Region::custom(login, api).map_err(|error| {
        wrong(format!(
            "the environment variable {LOGIN_URL} or {API_URL} is not a valid base URL; correct it \
             as the cause says, or unset both to use the base URLs of the region"
        ))
        .with_source(error)
    })?;
    for (name, base) in [
        (LOGIN_URL, region.login_base()),
        (API_URL, region.api_base()),
    ] {
        let host = base.authority().map_or("", |host| host.as_str());
        let origins = Origins::of_checked_host(host);
        let allowed = match loopback {
            true => origins.with_loopback(),
            false => origins,
        };
        if !allowed.allows(&base) {
            return Err(wrong(format!(
                "{name} is not https: secrets and tokens would be sent unencrypted; use https, or set \
                 {} to 1 for a test server on this machine",
                loopback::VARIABLE
            )));
        }
    }
    Ok(region)
}

/// Returns the region that all variables which are not empty agree on.
fn region(look_up: impl Fn(&str) -> Option<OsString>) -> Result<Region, ConfigError> {
    let is_set = |name: &&Name| look_up(name).is_some_and(|value| !value.is_empty());
    let mut found: Option<(&str, Region)> = None;
    for name in REGION.iter().filter(is_set) {
        let (name, text) = variable(&look_up, std::slice::from_ref(name))?;
        let region = Region::parse(&text).map_err(|error| {
            let message = format!(
                "the environment variable {name} is not a valid region; correct it as the cause says"
            );
            ConfigError::new(ConfigErrorKind::Region, message).with_source(error)
        })?;
        match &found {
            Some((first, other)) if *other != region => {
                let message = format!(
                    "{first} ({other}) and {name} ({region}) name different regions; correct or unset \
                     one of them"
                );
                return Err(ConfigError::new(ConfigErrorKind::Region, message));
            }
            Some(_) => {}
            None => found = Some((name, region)),
        }
    }
    match found {
        Some((_, region)) => Ok(region),
        // The error names the empty variable, or says that all are unset.
        None => variable(&look_up, &REGION).and_then(|(_, text)| Ok(Region::parse(&text)?)),
    }
}

#[cfg(test)]
mod tests;
