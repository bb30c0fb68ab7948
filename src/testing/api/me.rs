use http::Method;
use serde_json::json;

use super::Call;
use crate::testing::{reply::Reply, state::State};

/// `GET /api/v2/users/me`, which a token without a user cannot ask.
pub(super) fn user(call: &Call<'_>) -> Reply {
    if call.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    if !call.token.user {
        let message = "This request requires a user context. Client credentials cannot be used for \
                       requests that require a user context.";
        return Reply::bad_request(message);
    }
    Reply::ok(&json!({
        "id": "00000000-0000-4000-8000-000000000001",
        "name": "Logged-in user",
        "email": "me@example.com",
        "state": "active",
        "version": 1,
        "selfUri": "/api/v2/users/00000000-0000-4000-8000-000000000001",
    }))
}

/// `GET` and `DELETE /api/v2/tokens/me`; the latter revokes the token.
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
        Method::DELETE => {
            state.tokens.revoke(bearer);
            Reply::ok(&json!({}))
        }
        _ => Reply::method_not_allowed("GET, DELETE"),
    }
}
