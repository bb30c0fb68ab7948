use std::{fmt::Write, io};

use axum::{
    extract::State,
    http::StatusCode,
    routing::{self, MethodRouter},
};
use tokio::net::TcpListener;

use crate::gateway::Gateway;

/// Serves until `shutdown` completes. Then it ends the requests in flight, and
/// last the renewal of tokens.
pub(crate) async fn serve(
    gateway: Gateway,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let orgs = gateway.orgs.clone();
    // So that neither the first caller nor readiness waits for a token.
    let warm: Result<Vec<_>, _> = orgs.values().map(|org| org.tokens().keep_warm()).collect();
    let warm = warm.map_err(io::Error::other)?;

    let readiness = readiness(gateway.clone());
    let routes = gateway.routes().route("/ready", readiness);
    let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown);
    let served = server.await;

    drop(warm);
    for org in orgs.values() {
        org.tokens().close().await;
    }
    served
}

/// Ready if a request to any organisation would have a token now.
pub(crate) fn readiness(gateway: Gateway) -> MethodRouter {
    routing::get(ready).with_state(gateway)
}

async fn ready(State(gateway): State<Gateway>) -> (StatusCode, String) {
    let (mut code, mut text) = (StatusCode::OK, String::new());
    for (name, org) in gateway.orgs.iter() {
        let tokens = org.tokens().status();
        let state = match tokens.is_ready() {
            true => "ready",
            false => "no token",
        };
        let _ = writeln!(text, "{name}: {state}, {} failures", tokens.failures);
        if !tokens.is_ready() {
            code = StatusCode::SERVICE_UNAVAILABLE;
        }
    }
    (code, text)
}
