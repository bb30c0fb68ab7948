//! The text of an [`ApiError`]: what the API answered, why, and the next step.

use std::fmt;

use http::StatusCode;

use super::{
    error::{ApiError, Condition},
    text::Shown,
};

// How many characters of each text are shown. Together with the longest advice,
// they stay below the 2000 characters that the module promises.
const MOST_CODE: usize = 100;
const MOST_MESSAGE: usize = 500;
const MOST_NESTED: usize = 200;

/// How many permissions are named; [`ApiError::missing_permissions`] has them
/// all.
const MOST_NAMES: usize = 8;
/// The length to which each name of a permission or limit is shortened.
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
        // A bulk request often fails with many errors of one cause, so the
        // first one says enough. `errors` has them all.
        let nested = self.errors().iter().find_map(Self::message);
        if let Some(nested) = nested {
            let nested = Shown::new(nested.trim_end_matches('.'), MOST_NESTED);
            write!(f, "; the first of {} errors: {nested}", self.errors().len())?;
        }
        if let Condition::Encoded(coding) = self.inner.body {
            write!(
                f,
                " with a body in the encoding `{coding}`, which was not read; let the HTTP client decode it, \
                 or do not request it"
            )?;
        }
        f.write_str(match self.inner.body {
            Condition::Understood | Condition::Encoded(_) => "",
            Condition::Empty => " with an empty body",
            Condition::Foreign if self.status().is_success() => {
                " with a body that is not an error of the API"
            }
            Condition::Foreign => {
                " with a body that is not an error of the API; check any proxy or gateway in between"
            }
            Condition::TooLong => " with a body over the limit, which was not read",
            Condition::Late => " with a body that did not end in time",
            Condition::BrokenOff => ", and the rest of the body broke off",
        })?;
        advise(self, f)?;
        match self.context_id() {
            Some(id) => write!(f, " [correlation id {id}]"),
            None => Ok(()),
        }
    }
}

/// Writes the next step, if it is known.
///
/// The order matters. Codes that say where the fault is come first, even before
/// the layers' reason for not resending, which would name the token. That
/// reason comes next, since it knows what was tried. The status comes last.
fn advise(error: &ApiError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (error.status(), error.code(), error.inner.not_sent_again) {
        (_, Some("authentication.required"), _) => f.write_str(
            "; the request arrived without a token, so a new token cannot help: find out what removes \
             the `Authorization` header on the way (proxy, gateway, redirect)",
        ),
        (_, Some("ip.not.authorized"), _) => f.write_str(
            "; the API refuses the network that the request came from, and a new token cannot help: add \
             the address of this machine or its proxy to the organisation's allowed addresses",
        ),
        (_, Some("credentials.expired"), _) => f.write_str(
            "; the credentials behind the token have expired, and a new token cannot help: renew the \
             OAuth client or the user's password in Genesys Cloud",
        ),
        (_, Some("client.timeout"), _) => f.write_str(
            "; the body of the request did not arrive in time: send it faster, or send less of it",
        ),
        (_, _, Some(why)) => f.write_str(why.advice()),
        (_, Some("bad.credentials"), None) => f.write_str(
            "; the token has expired, was revoked, or belongs to another region or organisation: fetch \
             a new one from the region that the request goes to",
        ),
        (StatusCode::TOO_MANY_REQUESTS, _, None) => too_many(error, f),
        // A 403 with another body may come from a gateway, which has its own
        // rules.
        (StatusCode::FORBIDDEN, _, None) if error.inner.body == Condition::Understood => {
            forbidden(error, f)
        }
        (status, _, None) if status.is_redirection() => f.write_str(
            "; request the URL in `Location` without the token: the API redirects downloads, and audit \
             results with `allowRedirect`",
        ),
        (status, None, None) if status.is_success() => f.write_str(
            "; a success is not an error: check the status before you call `ApiError::read`",
        ),
        // Without a code, the answer may come from a proxy.
        (status, Some(_), None) if PASSES.contains(&status.as_u16()) => {
            f.write_str("; Genesys failed to process the request: try again later")
        }
        (status, _, None) => f.write_str(of_status(status, error.inner.repeated)),
    }
}

/// Server errors that pass without a change of the request. Others, such as
/// 501, stay the same.
const PASSES: [u16; 4] = [500, 502, 503, 504];

/// Returns the next step that the status alone tells, or an empty text.
///
/// `repeated` tells whether the layers had resent the request: then it may
/// conflict with itself.
fn of_status(status: StatusCode, repeated: bool) -> &'static str {
    match status.as_u16() {
        409 | 412 if repeated => {
            "; the request was sent more than once, and may conflict with an earlier send that was \
             carried out: read the entity, and compare it and its `version` before you change it again"
        }
        409 | 412 => {
            "; the entity was changed after you read it, or it exists already: read it again, and send \
             the change with its current `version`"
        }
        410 => "; it was deleted and will not return: remove it from your data",
        411 => "; the request needs a `Content-Length`: send a body whose length is known",
        413 => "; the body is larger than this operation accepts: send less at a time",
        414 => "; the URI is too long: request fewer ids or filters at a time",
        415 => "; the operation does not accept this content type: send `application/json`",
        416 => "; the range does not exist: request one within the length of the whole",
        417 => "; the server does not accept the `Expect` header: leave it out",
        421 => {
            "; the connection leads to a server that does not serve this host: check the base URL and proxy"
        }
        422 => {
            "; the request is well formed, but its values are not accepted: correct them before you resend it"
        }
        423 => "; it is locked: unlock it, or wait until its user does",
        424 => {
            "; an operation that this one depends on has failed: find the cause of that failure first"
        }
        _ => "",
    }
}

/// Writes which permissions to grant, and where.
fn forbidden(error: &ApiError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let count = error.missing_permissions().count();
    if count == 0 {
        return f.write_str(
            "; check the roles and divisions of the OAuth client in Genesys Cloud under Admin, \
             Integrations, OAuth",
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

/// Writes the exceeded limit, and when to try again.
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
        // The API states hours for daily limits, so the wait may be long.
        Some(wait) => write!(f, "; try again in {} s", wait.as_secs())?,
        None => f.write_str("; send less, and try again later")?,
    }
    f.write_str(" (do not mint more tokens for it: Genesys disables such clients)")
}
