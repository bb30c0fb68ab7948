use std::fmt;

use http::StatusCode;

use super::{
    error::{ApiError, Condition},
    text::Shown,
};

/// How many permissions are named; [`ApiError::missing_permissions`] has them all.
const MOST_NAMES: usize = 8;
const MOST_NAME: usize = 80;

/// What to do next, if it is known.
pub(super) fn write(error: &ApiError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (error.status(), error.code(), error.inner.not_sent_again) {
        (_, Some("authentication.required"), _) => f.write_str(
            "; no token arrived there, so another one cannot help: find out what takes the \
             `Authorization` header out on the way (proxy, gateway, redirect)",
        ),
        (_, Some("client.timeout"), _) => f.write_str(
            "; the request did not arrive there in time: send its body sooner, or less of it",
        ),
        (_, _, Some(why)) => f.write_str(why.advice()),
        (_, Some("bad.credentials"), None) => f.write_str(
            "; the token has expired, was revoked, or is of another region or organisation: get a \
             new one where the request goes to",
        ),
        (StatusCode::TOO_MANY_REQUESTS, _, None) => too_many(error, f),
        (StatusCode::FORBIDDEN, _, None) if error.inner.body == Condition::Understood => {
            forbidden(error, f)
        }
        (status, Some(_), None) if status.is_server_error() => {
            f.write_str("; that is out of order at Genesys: try again later")
        }
        _ => Ok(()),
    }
}

fn forbidden(error: &ApiError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let count = error.missing_permissions().count();
    if count == 0 {
        return f.write_str(
            "; no new token cures that: look at the roles and divisions of the OAuth client, in \
             Genesys Cloud under Admin, Integrations, OAuth",
        );
    }
    let which = if error.code() == Some("missing.any.permissions") && count > 1 {
        "one of "
    } else {
        ""
    };
    write!(f, "; grant {which}")?;
    let names = error.missing_permissions().take(MOST_NAMES);
    for (place, name) in names.enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        write!(f, "{comma}{}", Shown::new(name, MOST_NAME))?;
    }
    if count > MOST_NAMES {
        write!(f, " and {} more", count - MOST_NAMES)?;
    }
    f.write_str(
        " to a role (in Genesys Cloud under Admin, People & Permissions, Roles / Permissions) that \
         the OAuth client has (Admin, Integrations, OAuth)",
    )
}

fn too_many(error: &ApiError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(limit) = error.limit() {
        f.write_str("; the limit")?;
        if let Some(key) = limit.key() {
            write!(f, " {}", Shown::new(key, MOST_NAME))?;
        }
        if let Some(namespace) = limit.namespace() {
            write!(f, " of {}", Shown::new(namespace, MOST_NAME))?;
        }
        match limit.value() {
            Some(value) => write!(f, " is {value}")?,
            None => f.write_str(" is exceeded")?,
        }
    }
    match error.retry_after() {
        Some(wait) => write!(f, "; try again in {} s", wait.as_secs())?,
        None => f.write_str("; send less, and try again later")?,
    }
    f.write_str(" (more tokens are no way around it: a client that mints them gets disabled)")
}
