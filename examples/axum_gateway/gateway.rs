use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, body::Body, extract::State, routing};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tower::{Layer, ServiceExt};
use tower_genesys::{BoxError, GenesysLayer, GenesysService, Org, ReplayBody, TokenError};

pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, ReplayBody<Body>>;

// All other headers stay on their side: credentials, cookies, `Host`, and those
// of a single connection.
static FROM_CALLERS: [HeaderName; 3] = [ACCEPT, CONTENT_TYPE, CONTENT_ENCODING];
static TO_CALLERS: [HeaderName; 2] = [CONTENT_TYPE, RETRY_AFTER];

#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) orgs: Arc<BTreeMap<String, Org>>,
    genesys: GenesysService<HttpClient>,
}

impl Gateway {
    pub(crate) fn new(client: HttpClient, orgs: BTreeMap<String, Org>) -> Self {
        let genesys = GenesysLayer::per_request().layer(client);
        let orgs = Arc::new(orgs);
        Self { orgs, genesys }
    }

    /// The allow-list. Put the authentication of your users around it.
    pub(crate) fn routes(self) -> Router {
        let query = "/orgs/{org}/api/v2/analytics/conversations/details/query";
        let users = routing::get(forward).post(forward);
        Router::new()
            .route("/orgs/{org}/api/v2/users", users)
            .route("/orgs/{org}/api/v2/users/{id}", routing::get(forward))
            .route(query, routing::post(forward))
            .with_state(self)
    }
}

async fn forward(
    State(gateway): State<Gateway>,
    request: Request<Body>,
) -> Result<Response<Body>, StatusCode> {
    let (caller, body) = request.into_parts();
    // No id contains these. A server that decodes first takes `7%2Froles` for
    // another path.
    if caller.uri.path().contains(['%', ';']) {
        return Err(StatusCode::NOT_FOUND);
    }
    let path = caller.uri.path_and_query().map_or("", |path| path.as_str());
    let path = path.strip_prefix("/orgs/").unwrap_or_default();
    let (name, path) = path.split_once('/').ok_or(StatusCode::NOT_FOUND)?;
    let org = gateway.orgs.get(name).ok_or(StatusCode::NOT_FOUND)?;
    let uri = org.api(&format!("/{path}"));

    let mut request = Request::new(body);
    *request.method_mut() = caller.method;
    *request.uri_mut() = uri.map_err(|_| StatusCode::NOT_FOUND)?;
    copy(&FROM_CALLERS, &caller.headers, request.headers_mut());
    request.extensions_mut().insert(org.clone());

    let response = gateway.genesys.oneshot(request).await.map_err(refuse)?;
    let (api, body) = response.into_parts();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = match api.status {
        StatusCode::UNAUTHORIZED => StatusCode::BAD_GATEWAY, // it is not the caller who was refused
        status => status,
    };
    copy(&TO_CALLERS, &api.headers, response.headers_mut());
    Ok(response)
}

fn copy(names: &[HeaderName], from: &HeaderMap, to: &mut HeaderMap) {
    for name in names {
        to.extend(from.get(name).map(|value| (name.clone(), value.clone())));
    }
}

/// Logs the reason for the gateway's operator, and hides it from the callers.
fn refuse(error: BoxError) -> StatusCode {
    tracing::error!(error, "a request was not forwarded");
    match TokenError::find(&*error) {
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::BAD_GATEWAY,
    }
}
