use std::collections::BTreeMap;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tower_genesys::{
    Credentials, Org, ReplayBody,
    testing::{MockGenesys, MockServer},
};

use crate::{
    gateway::{Gateway, HttpClient},
    serve::serve,
};

pub(crate) const NAMES: [&str; 2] = ["acme", "globex"];

/// The gateway with two organisations, all on loopback ports.
pub(crate) struct Setup {
    pub(crate) mocks: [MockGenesys; 2],
    pub(crate) orgs: BTreeMap<String, Org>,
    pub(crate) url: String,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
    client: HttpClient,
    _servers: Vec<MockServer>,
}

pub(crate) async fn setup() -> Setup {
    let mocks = [1, 2].map(|seed| MockGenesys::builder().seed(seed).build());
    setup_on(mocks).await
}

pub(crate) async fn setup_on(mocks: [MockGenesys; 2]) -> Setup {
    let client = client();
    let (mut orgs, mut servers) = (BTreeMap::new(), Vec::new());
    for (name, mock) in NAMES.iter().zip(&mocks) {
        let server = mock.serve().await.expect("a loopback port is free");
        let credentials = Credentials::new(mock.client_id(), mock.client_secret());
        let org = Org::builder(server.region())
            .credentials(credentials.expect("well-formed"))
            .allow_loopback()
            .build(client.clone())
            .expect("loopback was allowed");
        orgs.insert((*name).to_owned(), org);
        servers.push(server);
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a loopback port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has one"));
    let (stop, stopped) = oneshot::channel::<()>();
    let gateway = Gateway::new(client.clone(), orgs.clone());
    let serving = tokio::spawn(serve(gateway, listener, async { drop(stopped.await) }));
    Setup {
        mocks,
        orgs,
        url,
        stop: Some(stop),
        serving,
        client,
        _servers: servers,
    }
}

pub(crate) fn client() -> HttpClient {
    let provider = rustls::crypto::ring::default_provider();
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)
        .expect("the provider has what TLS needs")
        .https_or_http()
        .enable_http1()
        .build();
    Client::builder(TokioExecutor::new()).build(https)
}

impl Setup {
    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        let request = Request::get(format!("{}{path}", self.url));
        request.body(Body::empty()).expect("a request")
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Incoming> {
        let sent = self.client.request(request.map(ReplayBody::new)).await;
        sent.expect("the gateway answers")
    }

    pub(crate) async fn status(&self, path: &str) -> StatusCode {
        self.send(self.get(path)).await.status()
    }

    pub(crate) async fn warm(&self) {
        for org in self.orgs.values() {
            org.tokens().warm_up().await.expect("a token");
        }
    }
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await;
    let body = body.expect("the body is intact").to_bytes();
    String::from_utf8(body.into()).expect("it is text")
}
