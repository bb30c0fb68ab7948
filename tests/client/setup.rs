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
    BoxError, Client, Credentials, GenesysLayer, Org, Region, ReplayBody,
    client::{ClientBuilder, ClientError, ClientErrorKind, ResponseBody},
    retry::{BoxErrorClassifier, Class},
    testing::{MockGenesys, MockServer},
};

use crate::tls_server::{Authority, BOTH, TlsServer};

pub(crate) type Body = ReplayBody<Full<Bytes>>;
pub(crate) type HttpClient = Client<Body>;

/// Longer than anything takes, so that a test that hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A mock behind TLS on `localhost`, with a certificate of a CA of its own.
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
    /// A builder that knows the CA, and no proxy, whatever the environment of
    /// the test says.
    pub(crate) fn builder(&self) -> ClientBuilder {
        ClientBuilder::new()
            .without_proxy()
            .ca_pem(self.authority.pem())
    }

    /// Where the mock is without TLS.
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
        let credentials = Credentials::new(self.mock.client_id(), self.mock.client_secret());
        Org::builder(Region::custom(&url, &url).expect("a URL"))
            .credentials(credentials.expect("the mock's client is well-formed"))
            .build(client)
            .expect("it is https")
    }

    /// Asks for users through all layers, which takes a token first.
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

/// Sends by the client alone.
pub(crate) async fn get(
    client: &HttpClient,
    uri: Uri,
) -> Result<Response<ResponseBody>, ClientError> {
    let mut request = Request::new(Body::from(Full::default()));
    *request.uri_mut() = uri;
    let response = client.clone().oneshot(request);
    tokio::time::timeout(PATIENCE, response)
        .await
        .expect("it ends")
}

/// The error of a request that cannot get a connection. Whatever the reason,
/// the crate's classifiers know that it was not sent, and that a proxy's
/// refusal of a password is not to be tried again.
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

/// TLS of the user's own, who trusts this CA only.
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
