use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use reqwest::{Body, Client, ClientBuilder};
use tower::{Layer, Service};
use tower_genesys::{
    GenesysLayer, GenesysService, Org, ReplayBody, RetryPolicy,
    reqwest::{HttpService, ReqwestService},
    retry::Backoff,
    testing::{MockGenesys, MockServer},
};

use crate::mock_org::served_org;

/// The client, and how many calls the layers have made to it.
#[derive(Clone)]
pub(crate) struct Counted {
    inner: HttpService,
    sends: Arc<AtomicUsize>,
}

impl Service<Request<ReplayBody<Body>>> for Counted {
    type Response = http::Response<Body>;
    type Error = reqwest::Error;
    type Future = tower_genesys::reqwest::ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), reqwest::Error>> {
        Service::<Request<ReplayBody<Body>>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<ReplayBody<Body>>) -> Self::Future {
        self.sends.fetch_add(1, Ordering::SeqCst);
        self.inner.call(request)
    }
}

/// A mock on a loopback port, and the four layers over reqwest.
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) client: Client,
    pub(crate) genesys: ReqwestService<GenesysService<Counted>>,
    sends: Arc<AtomicUsize>,
    _server: MockServer,
}

pub(crate) async fn setup() -> Setup {
    let builder = Client::builder();
    setup_over(HttpService::from_builder(builder).expect("it has no TLS")).await
}

/// A setup over a client that follows redirects, as reqwest does by default.
pub(crate) async fn setup_as_it_comes(change: fn(ClientBuilder) -> ClientBuilder) -> Setup {
    let client = change(Client::builder()).build().expect("it has no TLS");
    setup_over(HttpService::new(client)).await
}

async fn setup_over(http: HttpService) -> Setup {
    let mock = MockGenesys::new();
    let server = mock.serve().await.expect("a loopback port is free");
    let org = served_org::<ReplayBody<Body>>(&mock, &server, http.clone());
    let sends = Arc::new(AtomicUsize::new(0));
    let counted = Counted {
        inner: http.clone(),
        sends: sends.clone(),
    };
    let policy =
        RetryPolicy::new().with_backoff(Backoff::new().with_base(Duration::from_millis(1)));
    let layer = GenesysLayer::new(&org).map_retry(|retry| retry.with_policy(policy));
    let genesys = layer.layer(counted);
    Setup {
        mock,
        org,
        client: http.get_ref().clone(),
        genesys: ReqwestService::new(genesys),
        sends,
        _server: server,
    }
}

impl Setup {
    pub(crate) fn url(&self, path: &str) -> String {
        self.org.api(path).expect("a path of the API").to_string()
    }

    /// How many calls the layers have made to the client.
    pub(crate) fn sends(&self) -> usize {
        self.sends.load(Ordering::SeqCst)
    }
}
