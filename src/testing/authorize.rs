//! The login by a browser, without a person: it checks the request as Genesys
//! Cloud does, and redirects at once.

use http::{HeaderValue, Method, StatusCode, header};

use super::{
    grants::Grant,
    reply::Reply,
    state::{Client, State},
};

/// The length of a SHA-256 in unpadded base64url.
const CHALLENGE_LENGTH: usize = 43;

/// A refused login: an error code of RFC 6749, section 4.1.2.1, and a
/// description.
type Refusal = (&'static str, &'static str);

/// The parameters, in the order of the query.
#[derive(Clone, Copy)]
struct Query<'a>(&'a [(String, String)]);

/// Handles `GET /oauth/authorize`: a person logs in, and the mock redirects the
/// browser with a code.
///
/// If the client or the redirect URI is wrong, the person gets a page. All
/// other errors go to the program at the redirect URI (RFC 6749, section
/// 4.1.2.1).
pub(super) fn authorize(state: &mut State, method: &Method, query: &str) -> Reply {
    if method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let query = Query(&query);
    let (client, redirect_uri) = match parties(state, query) {
        Ok(parties) => parties,
        Err(why) => return page(why),
    };
    let mut back = form_urlencoded::Serializer::new(String::new());
    match login(state, query) {
        Ok(challenge) => {
            let random = &mut state.random;
            let grants = &mut state.grants;
            let code = grants.issue_code(random, &client, &redirect_uri, challenge);
            back.append_pair("code", &code);
        }
        Err((code, why)) => {
            back.append_pair("error", code);
            back.append_pair("error_description", why);
        }
    }
    if let Some(state) = query.get("state") {
        back.append_pair("state", state);
    }
    // The registered URI may have a query, which must stay (RFC 6749, section
    // 3.1.2).
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let location = format!("{redirect_uri}{separator}{}", back.finish());
    match HeaderValue::try_from(location) {
        Ok(location) => Reply::empty(StatusCode::FOUND).header(header::LOCATION, location),
        Err(_) => page("redirect_uri is not a URI"),
    }
}

/// Returns the client id and the redirect URI, if the mock knows both.
fn parties(state: &State, query: Query<'_>) -> Result<(String, String), &'static str> {
    let id = query.only("client_id").ok_or("client_id is missing")?;
    let known = |client: &&Client| client.id == id && client.enabled;
    let client = state.clients.iter().find(known);
    let client = client.ok_or("client is not known, or disabled")?;
    let uri = query.only("redirect_uri");
    let uri = uri.ok_or("redirect_uri is missing")?;
    match state.redirect_uris.iter().any(|known| known == uri) {
        true => Ok((client.id.clone(), uri.to_owned())),
        false => Err("redirect_uri is not one of the client's"),
    }
}

/// Returns the PKCE challenge, if the login has one.
fn login<'a>(state: &State, query: Query<'a>) -> Result<Option<&'a str>, Refusal> {
    match query.only("response_type") {
        Some("code") => {}
        Some(_) => {
            let why = "response_type must be code";
            return Err(("unsupported_response_type", why));
        }
        None => return Err(("invalid_request", "response_type is missing")),
    }
    if !state.grants.allowed.contains(&Grant::AuthorizationCode) {
        let why = "client is not authorized for this grant type";
        return Err(("unauthorized_client", why));
    }
    match (
        query.only("code_challenge"),
        query.only("code_challenge_method"),
    ) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if is_challenge(challenge) => Ok(Some(challenge)),
        (Some(_), Some("S256")) => Err((
            "invalid_request",
            "code_challenge must be a SHA-256 as base64url",
        )),
        (Some(_), _) => Err(("invalid_request", "code_challenge_method must be S256")),
        (None, Some(_)) => Err(("invalid_request", "code_challenge is missing")),
    }
}

/// Returns whether a text can be a challenge of the method `S256`.
fn is_challenge(text: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == CHALLENGE_LENGTH && text.bytes().all(base64url)
}

/// Shows an error to the person. A redirect to an unknown URI would make the
/// mock an open redirector.
fn page(why: &'static str) -> Reply {
    let html = format!("<!doctype html><title>Error</title><p>{why}</p>");
    Reply::new(
        StatusCode::BAD_REQUEST,
        "text/html; charset=utf-8",
        html.into(),
    )
}

impl<'a> Query<'a> {
    /// Returns the first value of a parameter.
    fn get(self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| &**value)
    }

    /// Returns a parameter that is present exactly once and not empty.
    fn only(self, name: &str) -> Option<&'a str> {
        let count = self.0.iter().filter(|(key, _)| key == name).count();
        self.get(name)
            .filter(|value| count == 1 && !value.is_empty())
    }
}
