use std::fmt;

use http::StatusCode;

use super::{
    error::{ApiError, Condition},
    text::Shown,
};

// Together with the longest advice these stay below the 2000 characters that
// the module names.
const MOST_CODE: usize = 100;
const MOST_MESSAGE: usize = 500;
const MOST_NESTED: usize = 200;

/// How many permissions are named; [`ApiError::missing_permissions`] has them
/// all.
const MOST_NAMES: usize = 8;
const MOST_NAME: usize = 80;

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Genesys API answered {}", self.status().as_u16())?;
        if let Some(code) = self.code() {
            write!(f, " ({})", Shown::new(code, MOST_CODE))?;
        } else if let Some(reason) = self.status().canonical_reason() {
            write!(f, " ({reason})")?;
        }
        if let Some(message) = self.message() {
            let message = message.trim_end_matches('.');
            write!(f, ": {}", Shown::new(message, MOST_MESSAGE))?;
        }
        let nested = self.errors().iter().find_map(Self::message);
        if let Some(nested) = nested {
            let nested = Shown::new(nested.trim_end_matches('.'), MOST_NESTED);
            write!(f, "; the first of {} errors: {nested}", self.errors().len())?;
        }
        if let Condition::Encoded(coding) = self.inner.body {
            write!(
                f,
                " with a body in the encoding `{coding}`, which was not read; have the HTTP client decode \
                 it, or not ask for it"
            )?;
        }
        f.write_str(match self.inner.body {
            Condition::Understood | Condition::Encoded(_) => "",
            Condition::Empty => " with an empty body",
            Condition::Foreign => {
                " with a body that is no error of the API; look at what stands in between (proxy, \
                 gateway)"
            }
            Condition::TooLong => " with a body over the limit, which was not read",
            Condition::Late => " with a body that did not come to its end in time",
            Condition::BrokenOff => ", and the rest of the answer broke off",
        })?;
        advise(self, f)?;
        match self.context_id() {
            Some(id) => write!(f, " [correlation id {id}]"),
            None => Ok(()),
        }
    }
}

/// What to do next, if it is known.
fn advise(error: &ApiError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (error.status(), error.code(), error.inner.not_sent_again) {
        (_, Some("authentication.required"), _) => f.write_str(
            "; no token arrived there, so another one cannot help: find out what takes the \
             `Authorization` header out on the way (proxy, gateway, redirect)",
        ),
        (_, Some("ip.not.authorized"), _) => f.write_str(
            "; the API refuses the network that the request came from, and a new token cannot help: have \
             the address of this machine or its proxy added to the organisation's allowed addresses",
        ),
        (_, Some("credentials.expired"), _) => f.write_str(
            "; the credentials behind the token have expired, and a new token cannot help: renew the \
             OAuth client or the user's password in Genesys Cloud",
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
        (status, _, None) if status.is_redirection() => f.write_str(
            "; `Location` names another place, which is followed without the token: documented are \
             downloads, and audit results with `allowRedirect`",
        ),
        (status, Some(_), None) if PASSES.contains(&status.as_u16()) => {
            f.write_str("; that is out of order at Genesys: try again later")
        }
        (status, _, None) => f.write_str(of_status(status, error.inner.repeated)),
    }
}

/// Server errors that pass. Others, such as 501, are the same the next time.
const PASSES: [u16; 4] = [500, 502, 503, 504];

/// What to do about a client error that comes of the request, not of its token.
fn of_status(status: StatusCode, repeated: bool) -> &'static str {
    match status.as_u16() {
        409 | 412 if repeated => {
            "; the request was sent more than once, so an earlier send may have been carried out and \
             be what this one conflicts with: read the entity, and compare it and its `version` before \
             changing it again"
        }
        409 | 412 => {
            "; somebody has changed the entity since it was read, or it exists already: read it again, \
             and send the change with its current `version`"
        }
        410 => "; it no longer exists and will not come back: take it out of what you keep",
        411 => "; the request needs a `Content-Length`: send a body whose length is known",
        413 => "; the body is larger than this operation takes: send less at a time",
        414 => "; the URI is too long: ask for fewer ids or filters at a time",
        415 => "; the operation does not take this content type: send `application/json`",
        416 => "; there is no such range: ask for one within the length of the whole",
        417 => "; the server does not accept the `Expect` header: leave it out",
        421 => {
            "; the connection leads to a server that is not for this host: check the base URL and proxy"
        }
        422 => {
            "; the request is well formed, but its values are not accepted: the same again fails again"
        }
        423 => "; it is locked by somebody: unlock it, or wait until it is",
        424 => "; another operation that this one depends on has failed: look at that one first",
        _ => "",
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
