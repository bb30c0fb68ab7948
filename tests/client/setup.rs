use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, Client, GenesysLayer, Org, Region, ReplayBody,
    client::{ClientBuilder, ClientError, ClientErrorKind, ResponseBody},
    retry::{BoxErrorClassifier, Class},
    testing::{MockGenesys, MockServer},
};

use crate::{
    fixtures::mock_org::credentials,
    tls_server::{Authority, BOTH, TlsServer},
};

pub(crate) type Body = ReplayBody<Full<Bytes>>;
pub(crate) type HttpClient = Client<Body>;

/// A test that hangs fails after this time, which is longer than any step
/// takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A mock behind TLS on `localhost`, with a certificate by its own CA.
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) authority: Authority,
    pub(crate) server: TlsServer,
    plain: MockServer,
}

pub(crate) async fn setup() -> Setup {
    setup_with(BOTH).await
}

pub(crate) async fn setup_with(protocols: &[&str]) -> Setup {
    let mock = MockGenesys::new();
    let plain = mock.serve().await.expect("a loopback port is free");
    let authority = Authority::new();
    let config = authority.server("localhost", protocols);
    let server = TlsServer::start(config, plain.address()).await;
    Setup {
        mock,
        authority,
        server,
        plain,
    }
}

impl Setup {
    /// A builder that trusts the CA and uses no proxy, whatever the environment
    /// of the test says.
    pub(crate) fn builder(&self) -> ClientBuilder {
        ClientBuilder::new()
            .without_proxy()
            .ca_pem(self.authority.pem())
    }

    /// The address of the mock without TLS.
    pub(crate) fn plain_address(&self) -> SocketAddr {
        self.plain.address()
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address().port()
    }

    pub(crate) fn uri(&self) -> Uri {
        let uri = format!("{}/api/v2/users", self.server.url());
        uri.parse().expect("a URI")
    }

    pub(crate) fn org(&self, client: HttpClient) -> Org {
        let url = self.server.url();
        Org::builder(Region::custom(&url, &url).expect("a URL"))
            .credentials(credentials(&self.mock))
            .build(client)
            .expect("it is https")
    }

    /// Requests the users through all layers, which get a token first.
    pub(crate) async fn users(
        &self,
        client: &HttpClient,
    ) -> Result<Response<ResponseBody>, BoxError> {
        let org = self.org(client.clone());
        let genesys = GenesysLayer::new(&org).layer(client.clone());
        let request = Request::get(org.api("/api/v2/users").expect("a path"));
        genesys
            .oneshot(request.body(Full::default()).expect("a request"))
            .await
    }
}

/// Sends a request over the client, without any layer, and expects an end in
/// time.
pub(crate) async fn get(
    client: &HttpClient,
    uri: Uri,
) -> Result<Response<ResponseBody>, ClientError> {
    tokio::time::timeout(PATIENCE, send(client, uri))
        .await
        .expect("it ends")
}

/// [`get`] for a clock that the test moves itself.
pub(crate) async fn send(
    client: &HttpClient,
    uri: Uri,
) -> Result<Response<ResponseBody>, ClientError> {
    let mut request = Request::new(Body::from(Full::default()));
    *request.uri_mut() = uri;
    client.clone().oneshot(request).await
}

/// The error of a request that gets no connection. Whatever the reason, the
/// crate's classifiers report that the request was not sent, and that a
/// password which the proxy refuses is not tried again.
pub(crate) async fn refused(client: &HttpClient, uri: Uri, kind: ClientErrorKind) -> String {
    let error = get(client, uri).await.expect_err("there is no connection");
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    let class = BoxErrorClassifier::new().class_of(&error);
    let expected = match kind {
        ClientErrorKind::ProxyAuthentication => Class::Final,
        _ => Class::NotSent,
    };
    assert_eq!(class, expected, "{text}");
    text
}

/// A TLS configuration as a user supplies it, which trusts this CA only.
pub(crate) fn tls_config(authority: &Authority) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(authority.pem().as_bytes());
    roots.add(ca.expect("it is PEM")).expect("it is a CA");
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
