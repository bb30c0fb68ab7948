//! The token endpoint: it authenticates the client, checks the grant, uses it
//! up, and issues a token.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    grants::Grant,
    record,
    reply::Reply,
    state::{Client, State},
};

/// A refused token request: the OAuth error code and the description.
type Refusal = (&'static str, Cow<'static, str>);

/// The parameters of a token request, in their order.
struct Form(Vec<(String, String)>);

/// Handles requests to `/oauth/token`. Only `POST` is allowed.
pub(super) fn token(state: &mut State, method: &Method, headers: &HeaderMap, body: &[u8]) -> Reply {
    if method != Method::POST {
        let mut reply = Reply::oauth_error("invalid_request", "use POST");
        reply.status = StatusCode::METHOD_NOT_ALLOWED;
        return reply.header(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if !is_form(headers) {
        let why = "content type must be application/x-www-form-urlencoded";
        let mut reply = Reply::oauth_error("invalid_request", why);
        reply.status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return reply;
    }
    match issue(state, headers, &Form::parse(body)) {
        Ok(token) => {
            Reply::ok(&token).header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        }
        Err((code, description)) => Reply::oauth_error(code, &description),
    }
}

/// Returns whether the body is a form, whatever the parameters of its type.
fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Issues a token for a form.
fn issue(state: &mut State, headers: &HeaderMap, form: &Form) -> Result<Value, Refusal> {
    let name = form.need("grant_type")?;
    let grant = Grant::parse(name).ok_or((
        "unsupported_grant_type",
        "grant type is not supported".into(),
    ))?;
    let client = authenticate(state, headers, form, grant)?;
    if !state.grants.allowed.contains(&grant) {
        let why = "client is not authorized for this grant type";
        return Err(("unauthorized_client", why.into()));
    }
    // Only clients that authenticate with a secret get refresh tokens.
    let is_confidential = record::basic(headers).is_some();
    let refreshable = redeem(state, form, grant, (&client, is_confidential))?;
    let user = grant != Grant::ClientCredentials;
    let token = state.tokens.mint(&mut state.random, &client, user);
    let mut body = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": state.tokens.lifetime().as_secs().saturating_sub(1),
    });
    if refreshable && state.refresh_tokens {
        let refresh = state.grants.issue_refresh_token(&mut state.random, &client);
        body["refresh_token"] = refresh.into();
    }
    Ok(body)
}

/// Authenticates the client, and returns its id.
fn authenticate(
    state: &State,
    headers: &HeaderMap,
    form: &Form,
    grant: Grant,
) -> Result<String, Refusal> {
    // Without a secret, only a public client may ask: for a code with PKCE.
    let Some((id, secret)) = record::basic(headers) else {
        let public = grant == Grant::AuthorizationCode && form.get("code_verifier").is_some();
        if !public || headers.contains_key(header::AUTHORIZATION) {
            return Err(("invalid_client", "authentication failed".into()));
        }
        let id = form.need("client_id")?;
        return find(state, id).map(|_| id.to_owned());
    };
    // Genesys Cloud compares id and secret as they are. Form-encoded, as RFC
    // 6749 wants them, they would differ.
    let client = find(state, &id)?;
    if client.secret == secret {
        Ok(client.id.clone())
    } else {
        Err(("invalid_client", "authentication failed".into()))
    }
}

/// Finds a client that may get tokens.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a Client, Refusal> {
    match state.clients.iter().find(|client| client.id == id) {
        Some(client) if client.enabled => Ok(client),
        Some(_) => Err(("invalid_client", "client is disabled".into())),
        None => {
            let why = format!("client not found: {id}");
            Err(("invalid_client", why.into()))
        }
    }
}

/// Uses up the grant, and returns whether the response contains a refresh
/// token.
fn redeem(
    state: &mut State,
    form: &Form,
    grant: Grant,
    (client, is_confidential): (&str, bool),
) -> Result<bool, Refusal> {
    let invalid = |why: &'static str| ("invalid_grant", why.into());
    match grant {
        Grant::ClientCredentials => Ok(false),
        Grant::AuthorizationCode => {
            let verifier = form.get("code_verifier");
            let (code, redirect_uri) = (form.need("code")?, form.need("redirect_uri")?);
            let grants = &mut state.grants;
            let redeemed = grants.redeem_code(code, client, redirect_uri, verifier);
            redeemed.map(|()| is_confidential).map_err(invalid)
        }
        Grant::RefreshToken => {
            let text = form.need("refresh_token")?;
            match state.grants.redeem_refresh_token(text, client) {
                true => Ok(true),
                false => Err(invalid("refresh token is not valid")),
            }
        }
        Grant::Saml2Bearer => {
            form.need("orgName")?;
            // The mock does not verify an assertion; it must only be base64.
            let assertion = form.need("assertion")?.trim_end_matches('=');
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
            match assertion.bytes().all(base64) {
                true => Ok(false),
                false => Err(invalid("assertion is not valid")),
            }
        }
    }
}

impl Form {
    /// Parses a form. Repeated parameters stay, so that `need` can refuse them.
    fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Returns the first value of a parameter.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| &**value)
    }

    /// Returns a parameter that must be present exactly once and not empty.
    fn need(&self, name: &str) -> Result<&str, Refusal> {
        let invalid = |why: String| ("invalid_request", why.into());
        if self.0.iter().filter(|(key, _)| key == name).count() > 1 {
            return Err(invalid(format!("{name} is given more than once")));
        }
        let value = self.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| invalid(format!("{name} is missing")))
    }
}
