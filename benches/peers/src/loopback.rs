//! Servers on this machine, each on its own thread: a token endpoint for the
//! peers that need one over HTTP, and an API.

use std::{convert::Infallible, net::SocketAddr, thread};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::service_fn;

use crate::issuer::{Issuer, LIFETIME};

const TOKEN_PATH: &str = "/token";

/// The address of a server, which ends with the process.
#[derive(Clone, Copy, Debug)]
pub struct Server(SocketAddr);

impl Server {
    /// Starts a server that reads each request and answers 200 with as many
    /// bytes. On `/token`, it answers with a token.
    pub fn start(issuer: Issuer) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("non-blocking");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        thread::spawn(move || runtime.block_on(serve(listener, issuer)));
        Self(address)
    }

    pub fn token_url(self) -> String {
        format!("http://{}{TOKEN_PATH}", self.0)
    }

    pub fn api_url(self) -> String {
        format!(
            "http://{}/api/v2/analytics/conversations/details/query",
            self.0
        )
    }

    pub fn authority(self) -> String {
        self.0.to_string()
    }
}

async fn serve(listener: std::net::TcpListener, issuer: Issuer) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let issuer = issuer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, issuer.clone()));
            let service = TowerToHyperService::new(service);
            let builder = Builder::new(TokioExecutor::new());
            // The client reports a connection that breaks.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    issuer: Issuer,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_token = request.uri().path() == TOKEN_PATH;
    let body = request.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    if !is_token {
        return Ok(Response::new(Full::new(body)));
    }
    let token = serde_json::json!({
        "access_token": issuer.issue().await,
        "expires_in": LIFETIME.as_secs(),
        "token_type": "Bearer",
    });
    let mut response = Response::new(Full::from(token.to_string()));
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
