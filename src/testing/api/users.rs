//! Users, and what a token belongs to: its user, its client and its
//! organisation.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    call::{Call, page},
    contents::{ACTIVE, DELETED, User},
};
use crate::testing::{reply::Reply, state::State};

/// The API's largest page of users.
const MAX_PAGE: usize = 500;

/// Handles `GET` and `POST /api/v2/users`.
pub(super) fn collection(state: &mut State, call: &Call<'_>) -> Reply {
    match *call.method {
        Method::GET => list(state, call).unwrap_or_else(|refusal| refusal),
        Method::POST => create(state, call).unwrap_or_else(|refusal| refusal),
        _ => Reply::method_not_allowed("GET, POST"),
    }
}

/// Returns a page of users.
fn list(state: &State, call: &Call<'_>) -> Result<Reply, Reply> {
    let wanted = wanted_state(call)?;
    let ids = call.list("id");
    let size = call.number("pageSize", 25, MAX_PAGE)?;
    let number = call.number("pageNumber", 1, usize::MAX)?;
    let is_found = |user: &&User| user.is_in(&wanted) && (ids.is_empty() || ids.contains(&user.id));
    let mut users: Vec<_> = state.api.users.all.iter().filter(is_found).collect();
    if descending(call)? {
        users.reverse();
    }
    let pages = users.len().div_ceil(size);
    let rest = call.query_without(&["pageSize", "pageNumber"]);
    let uri = |number: usize| format!("/api/v2/users?pageSize={size}&pageNumber={number}{rest}");
    let entities = page(&users, size, number).iter().map(|user| user.json());
    let mut response = json!({
        "entities": entities.collect::<Vec<_>>(),
        "pageSize": size,
        "pageNumber": number,
        "total": users.len(),
    });
    if number < pages {
        response["nextUri"] = uri(number + 1).into();
    }
    if (2..=pages).contains(&number) {
        response["previousUri"] = uri(number - 1).into();
    }
    response["firstUri"] = uri(1).into();
    response["lastUri"] = uri(pages.max(1)).into();
    response["selfUri"] = uri(number).into();
    response["pageCount"] = pages.into();
    Ok(Reply::ok(&response))
}

/// Returns the filter by state. The default is active users.
fn wanted_state(call: &Call<'_>) -> Result<String, Reply> {
    let state = call.parameter("state").unwrap_or_else(|| ACTIVE.into());
    match &*state {
        ACTIVE | DELETED | "inactive" | "any" => Ok(state),
        _ => Err(Reply::bad_request(
            "state must be active, inactive, deleted or any.",
        )),
    }
}

/// Returns the order of a list. The default is ascending.
fn descending(call: &Call<'_>) -> Result<bool, Reply> {
    let order = call.parameter("sortOrder").unwrap_or_default();
    match &*order.to_ascii_lowercase() {
        "" | "asc" | "ascending" => Ok(false),
        "desc" | "descending" => Ok(true),
        _ => Err(Reply::bad_request("sortOrder must be ASC or DESC.")),
    }
}

/// Creates a user. A repeated request creates another one, which
/// [`created_users`](crate::testing::MockGenesys::created_users) counts.
fn create(state: &mut State, call: &Call<'_>) -> Result<Reply, Reply> {
    let body = call.json()?;
    let text = |name: &str| match body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Reply::bad_request(&format!("{name} is required."))),
    };
    let (name, email) = (text("name")?, text("email")?);
    check_email(&email)?;
    let user = User::new(state.random.uuid(), name, email);
    let response = user.json();
    state.api.users.all.push(user);
    state.api.users.created += 1;
    Ok(Reply::ok(&response))
}

/// Refuses a text that cannot be an e-mail address.
fn check_email(email: &str) -> Result<(), Reply> {
    let parts = email.split_once('@');
    let good = parts.is_some_and(|(user, domain)| {
        let dotted = domain.split('.').all(|label| !label.is_empty());
        !user.is_empty() && dotted && !domain.contains('@') && !email.contains(char::is_whitespace)
    });
    match good {
        true => Ok(()),
        false => Err(Reply::bad_request("email is not a valid e-mail address.")),
    }
}

/// Handles `GET`, `PATCH` and `DELETE /api/v2/users/{id}`.
pub(super) fn one(state: &mut State, call: &Call<'_>, id: &str) -> Reply {
    run(state, call, id).unwrap_or_else(|refusal| refusal)
}

fn run(state: &mut State, call: &Call<'_>, id: &str) -> Result<Reply, Reply> {
    // A `GET` filters by state, as a list does. A change finds any user.
    let wanted = match *call.method {
        Method::GET => wanted_state(call)?,
        _ => "any".into(),
    };
    let user = state.api.users.find(id).filter(|user| user.is_in(&wanted));
    let user = user.ok_or_else(|| Reply::not_found(&format!("There is no user {id}.")))?;
    match *call.method {
        Method::GET => Ok(Reply::ok(&user.json())),
        Method::PATCH => change(user, &call.json()?),
        Method::DELETE => {
            // A deleted user stays, as in Genesys Cloud, and can be made active
            // again.
            user.state = DELETED;
            user.version += 1;
            Ok(Reply::ok(&json!({})))
        }
        _ => Err(Reply::method_not_allowed("GET, PATCH, DELETE")),
    }
}

/// Changes a user. The body must name the current version, so that no change is
/// lost.
fn change(user: &mut User, body: &Value) -> Result<Reply, Reply> {
    let Some(version) = body["version"].as_u64() else {
        return Err(Reply::bad_request("version is required."));
    };
    if version != user.version {
        let message = format!("The version is {}, not {version}.", user.version);
        let code = "general.conflict";
        return Err(Reply::api_error(StatusCode::CONFLICT, code, &message));
    }
    let state = match &body["state"] {
        Value::Null => user.state,
        Value::String(state) if state == ACTIVE => ACTIVE,
        Value::String(state) if state == "inactive" => "inactive",
        _ => return Err(Reply::bad_request("state must be active or inactive.")),
    };
    // All checks come before the first change, so a refused one changes
    // nothing.
    if let Some(email) = body["email"].as_str() {
        check_email(email)?;
        email.clone_into(&mut user.email);
    }
    if let Some(name) = body["name"].as_str() {
        name.clone_into(&mut user.name);
    }
    user.state = state;
    user.version += 1;
    Ok(Reply::ok(&user.json()))
}

/// Handles `GET /api/v2/users/me`, which needs the token of a user.
pub(super) fn me(state: &State, call: &Call<'_>) -> Reply {
    if call.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    if !call.token.user {
        let message = "This request requires a user context. Client credentials cannot be used for \
                       requests that require a user context.";
        return Reply::bad_request(message);
    }
    Reply::ok(&state.api.users.me())
}

/// Handles `GET`, `HEAD` and `DELETE /api/v2/tokens/me`. `DELETE` revokes the
/// token.
pub(super) fn my_token(state: &mut State, call: &Call<'_>, bearer: &str) -> Reply {
    let organization = json!({ "id": state.api.organization, "name": "Mock organization" });
    match *call.method {
        Method::GET => Reply::ok(&json!({
            "organization": organization,
            "homeOrganization": organization,
            "authorizedScope": [],
            "OAuthClient": {
                "id": call.token.client,
                "name": "Mock client",
                "organization": organization,
            },
        })),
        Method::HEAD => Reply::empty(StatusCode::OK),
        Method::DELETE => {
            state.tokens.revoke(bearer);
            Reply::ok(&json!({}))
        }
        _ => Reply::method_not_allowed("GET, HEAD, DELETE"),
    }
}
