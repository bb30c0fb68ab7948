use std::{
    future::pending,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::setup::PATIENCE;

pub(crate) const BOTH: &[&str] = &["h2", "http/1.1"];

/// A CA that only those trust who are given its certificate.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// TLS for a server of this name, which offers these protocols.
    pub(crate) fn server(&self, name: &str, protocols: &[&str]) -> ServerConfig {
        self.server_until(name, protocols, 4096)
    }

    /// A certificate for a client, and its key, both as PEM.
    pub(crate) fn client(&self) -> (String, String) {
        let params = CertificateParams::new(["a-client".to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("it is signed");
        (certificate.pem(), key.serialize_pem())
    }

    /// TLS for a server that requires a client certificate by this CA.
    pub(crate) fn server_for_clients(&self, name: &str) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("it is PEM");
        roots.add(ca).expect("it is a CA");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
            .build()
            .expect("there is a CA");
        self.config(name, BOTH, 4096, Some(verifier))
    }

    /// [`server`](Self::server) with a certificate that expires in this year.
    pub(crate) fn server_until(&self, name: &str, protocols: &[&str], year: i32) -> ServerConfig {
        self.config(name, protocols, year, None)
    }

    fn config(
        &self,
        name: &str,
        protocols: &[&str],
        year: i32,
        clients: Option<Arc<dyn ClientCertVerifier>>,
    ) -> ServerConfig {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("it is signed");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = clients.unwrap_or_else(|| WebPkiClientVerifier::no_client_auth());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites")
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("key and certificate belong together");
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        config
    }
}

/// TLS on a loopback port, in front of a server without TLS.
pub(crate) struct TlsServer {
    address: SocketAddr,
    seen: Arc<Seen>,
    accept: AbortHandle,
}

#[derive(Default)]
struct Seen {
    accepted: AtomicUsize,
    open: watch::Sender<usize>,
    protocols: Mutex<Vec<String>>,
    frozen: Notify,
}

impl TlsServer {
    pub(crate) async fn start(config: ServerConfig, upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::new(Seen::default());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accept = tokio::spawn(accept(listener, acceptor, upstream, Arc::clone(&seen)));
        Self {
            address,
            seen,
            accept: accept.abort_handle(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// How many connections it has accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        *self.seen.open.borrow()
    }

    /// Waits until exactly this many connections are open.
    pub(crate) async fn wait_for_open(&self, connections: usize) {
        let mut open = self.seen.open.subscribe();
        let reached = open.wait_for(|open| *open == connections);
        let reached = timeout(PATIENCE, reached).await;
        reached.expect("connections close").expect("it still runs");
    }

    /// The protocol of each connection that completed its handshake.
    pub(crate) fn protocols(&self) -> Vec<String> {
        self.seen.protocols.lock().expect("no panic").clone()
    }

    /// Stops all traffic on the connections that are open, and keeps them open.
    pub(crate) fn freeze(&self) {
        self.seen.frozen.notify_waiters();
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstream: SocketAddr,
    seen: Arc<Seen>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.accepted.fetch_add(1, Ordering::SeqCst);
        seen.open.send_modify(|open| *open += 1);
        let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
        connections.spawn(async move {
            let _ = serve(stream, acceptor, upstream, &seen).await;
            seen.open.send_modify(|open| *open -= 1);
        });
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    upstream: SocketAddr,
    seen: &Seen,
) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default();
    let protocol = String::from_utf8_lossy(protocol).into_owned();
    seen.protocols.lock().expect("no panic").push(protocol);
    let mut inner = TcpStream::connect(upstream).await?;
    tokio::select! {
        copied = copy_bidirectional(&mut stream, &mut inner) => copied.map(drop),
        () = seen.frozen.notified() => pending().await,
    }
}
