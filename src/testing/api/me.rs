use http::{Method, StatusCode};
use serde_json::json;

use super::call::Call;
use crate::testing::{reply::Reply, state::State};

/// Handles `GET /api/v2/users/me`, which needs the token of a user.
pub(super) fn user(state: &State, call: &Call<'_>) -> Reply {
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
pub(super) fn token(state: &mut State, call: &Call<'_>, bearer: &str) -> Reply {
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
