use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, GenesysLayer, GenesysService, Org, ReplayBody,
    testing::{MockGenesys, MockServer},
};

pub(crate) use crate::fixtures::mock_org::Body;
use crate::fixtures::mock_org::{self, served_org};

pub(crate) type HttpClient = Client<HttpConnector, ReplayBody<Body>>;
pub(crate) type Genesys = GenesysService<HttpClient>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

pub(crate) fn client(version: Version) -> HttpClient {
    let http2 = version == Version::Http2;
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

/// A mock on a loopback port, an organisation on it, and the four layers over
/// an HTTP client.
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) genesys: Genesys,
    _server: MockServer,
}

pub(crate) async fn setup(version: Version) -> Setup {
    let mock = MockGenesys::new();
    setup_with(mock, version, |layer| layer).await
}

pub(crate) async fn setup_with(
    mock: MockGenesys,
    version: Version,
    change: impl FnOnce(GenesysLayer) -> GenesysLayer,
) -> Setup {
    let server = mock.serve().await.expect("a loopback port is free");
    let client = client(version);
    let org = served_org(&mock, &server, client.clone());
    let genesys = change(GenesysLayer::new(&org)).layer(client);
    Setup {
        mock,
        org,
        genesys,
        _server: server,
    }
}

impl Setup {
    pub(crate) fn uri(&self, path: &str) -> Uri {
        self.org.api(path).expect("a path of the API")
    }

    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        mock_org::get(&self.org, path)
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Bytes>) -> Request<Body> {
        Request::post(self.uri(path))
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .expect("a request")
    }

    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<hyper::body::Incoming>, BoxError> {
        self.genesys.clone().oneshot(request).await
    }
}

pub(crate) async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = response
        .into_body()
        .collect()
        .await
        .expect("the body is intact")
        .to_bytes();
    String::from_utf8(body.into()).expect("the API speaks UTF-8")
}
