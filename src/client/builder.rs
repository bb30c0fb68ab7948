use std::{env, ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use http::HeaderValue;
use http_body::Body;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, crypto::CryptoProvider};

use super::{
    Client, ClientConfigError, ClientConfigErrorKind,
    client_auth::ClientAuth,
    connector::Connector,
    future::Limits,
    pools::{PoolSettings, Pools},
    proxy::ProxySource,
    tls::{Authorities, TlsSettings},
};
use crate::loopback;

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The longest silence after which a server may still respond.
///
/// AWS's load balancers, in front of Genesys Cloud, end an exchange after 60
/// seconds without data. If there is no response yet, they respond with 504. A
/// quarter is added for that 504 to arrive.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);

/// Settings of a [`Client`].
///
/// # Default
///
/// | setting | value | why |
/// |---|---|---|
/// | [proxy](Self::proxy_from_env) | from the environment | what every other tool on the machine uses |
/// | TLS | 1.2 and 1.3, [*ring*](super#crypto-provider), Mozilla's CAs | works on any machine, with nothing installed |
/// | protocol | HTTP/2 or HTTP/1.1, as the server chooses (ALPN) | over HTTP/2, one connection carries all requests |
/// | [http](Self::allow_loopback) | refused | tokens and secrets would travel unencrypted |
/// | [connect time-out](Self::connect_timeout) | 5 s | the linked method gives the reason, here and below |
/// | [response time-out](Self::response_timeout) | 75 s | for the head |
/// | [body idle time-out](Self::body_idle_timeout) | 75 s | between two parts of the body |
/// | [idle connections](Self::pool_idle_timeout) | closed after 50 s | |
/// | [idle connections](Self::pool_max_idle_per_host) | 32 per host | |
/// | [HTTP/2 ping](Self::http2_keep_alive_interval) | after 15 s of silence, answered within 10 s | |
/// | [TCP probes](Self::tcp_keepalive) | three: after 30 s of silence, then every 10 s | |
/// | [`User-Agent`](Self::user_agent) | `tower-genesys/` and the version | common firewall rules refuse requests without one |
/// | `TCP_NODELAY` | set | a small request is sent at once |
///
/// The client follows no redirects and decompresses no responses. It resends a
/// request only if no byte of it was sent. Use layers around it for the rest.
///
/// The [module docs](super#customising) have an example.
#[derive(Clone, Debug)]
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder {
    proxy: ProxySource,
    proxy_exceptions: Vec<String>,
    tls: TlsSettings,
    loopback: bool,
    pub(super) connect_timeout: Duration,
    pub(super) limits: Limits,
    pub(super) pools: PoolSettings,
    pub(super) tcp_keepalive: Duration,
    user_agent: HeaderValue,
}

impl ClientBuilder {
    /// Creates a builder with the [defaults](Self#default).
    pub fn new() -> Self {
        Self {
            proxy: ProxySource::Environment,
            proxy_exceptions: Vec::new(),
            tls: TlsSettings::default(),
            loopback: false,
            connect_timeout: Duration::from_secs(5),
            limits: Limits {
                response: Some(LONGEST_SILENCE),
                body_idle: Some(LONGEST_SILENCE),
            },
            pools: PoolSettings {
                idle_timeout: Duration::from_secs(50),
                max_idle_per_host: 32,
                http2_keep_alive: (Duration::from_secs(15), Duration::from_secs(10)),
            },
            tcp_keepalive: Duration::from_secs(30),
            user_agent: HeaderValue::from_static(USER_AGENT),
        }
    }

    /// Reads the proxy from the environment when the client is built. This is
    /// the default.
    ///
    /// The first of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy`
    /// that is not empty names the proxy, as in
    /// `http://USER:PASSWORD@HOST:PORT`. User and password are percent-encoded.
    /// They are optional, and so is the scheme. With `https://`, the client
    /// speaks TLS to the proxy itself. The first of `NO_PROXY` and `no_proxy`
    /// that is not empty lists the hosts to reach without the proxy, in the
    /// form of [`proxy_except`](Self::proxy_except).
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxySource::Environment;
        self
    }

    /// Uses this proxy, and reads no proxy setting from the environment. The
    /// URL has the form described at [`proxy_from_env`](Self::proxy_from_env).
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySource::Url(url.into().into());
        self
    }

    /// Uses no proxy, and reads no proxy setting from the environment.
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxySource::None;
        self
    }

    /// Reaches these hosts without the proxy, in addition to those in
    /// `NO_PROXY` and those of earlier calls.
    ///
    /// The list is separated by commas or blanks, as in `NO_PROXY`, and accepts
    /// the forms that curl, Go and .NET understand:
    ///
    /// | entry | reached without the proxy |
    /// |---|---|
    /// | `example.com`, `.example.com`, `*.example.com` | the domain and its subdomains |
    /// | `10.1.2.3`, `fd00::1`, `[fd00::1]` | URIs that name this address; names are not resolved |
    /// | `10.0.0.0/8`, `fd00::/8` | URIs that name an address in this network |
    /// | any of these with `:8443` (IPv6 in brackets) | the same, on this port only |
    /// | `*` | all hosts |
    ///
    /// [`build`](Self::build) refuses any other entry (a URL, for example),
    /// because no host can match it. In `NO_PROXY`, the client ignores such an
    /// entry, logs a warning, and names the entry in errors of the proxy.
    pub fn proxy_except(mut self, list: impl Into<String>) -> Self {
        self.proxy_exceptions.push(list.into());
        self
    }

    /// Trusts the CAs in this PEM too. Default: only Mozilla's.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.authorities.push(Authorities::Pem(pem.into()));
        self
    }

    /// Trusts the CAs in this PEM file too. Default: only Mozilla's.
    ///
    /// [`build`](Self::build) reads the file once.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.authorities.push(Authorities::File(path.into()));
        self
    }

    /// Presents this client certificate to servers that ask for one (mutual
    /// TLS). Takes the certificate with its chain, and its private key, both as
    /// PEM. Default: no certificate.
    ///
    /// The key must be unencrypted PKCS#8, PKCS#1 or SEC1.
    /// [`build`](Self::build) refuses a key that does not belong to the
    /// certificate. A later call of this or of
    /// [`client_auth_file`](Self::client_auth_file) replaces the certificate.
    ///
    /// ```
    /// use tower_genesys::client::{ClientBuilder, ClientConfigErrorKind};
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let builder = ClientBuilder::new().client_auth_pem("no certificate", "no key");
    /// let error = builder.build::<Body>().unwrap_err();
    /// assert_eq!(error.kind(), ClientConfigErrorKind::ClientAuth);
    /// ```
    pub fn client_auth_pem(
        mut self,
        certificates: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.client = Some(ClientAuth::pem(certificates.into(), key.into()));
        self
    }

    /// Presents the client certificate in these PEM files, like
    /// [`client_auth_pem`](Self::client_auth_pem). Both may be the same file.
    ///
    /// [`build`](Self::build) reads the files once.
    pub fn client_auth_file(
        mut self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.tls.client = Some(ClientAuth::File(certificates.into(), key.into()));
        self
    }

    /// Trusts the CAs of the system instead of Mozilla's.
    ///
    /// On macOS, iOS and Windows, the system's own verifier decides. On other
    /// systems, the client trusts the CAs of the trust store, such as those of
    /// `ca-certificates`; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others there.
    ///
    /// Use it if a company installs its CAs on each machine. The client also
    /// trusts the CAs of [`ca_pem`](Self::ca_pem) and
    /// [`ca_file`](Self::ca_file). [`build`](Self::build) reads the trust
    /// store.
    ///
    /// ```
    /// use tower_genesys::client::ClientBuilder;
    ///
    /// let builder = ClientBuilder::new().platform_verifier();
    /// # let _ = builder;
    /// ```
    #[cfg(feature = "platform-verifier")]
    #[cfg_attr(docsrs, doc(cfg(feature = "platform-verifier")))]
    pub fn platform_verifier(mut self) -> Self {
        self.tls.platform = true;
        self
    }

    /// Uses this crypto provider. Default: the one that the
    /// [features](super#crypto-provider) compile in, which is *ring* by
    /// default.
    ///
    /// If the features compile one in, the client ignores the provider
    /// installed for the process. So other crates may install any.
    pub fn crypto_provider(mut self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        self.tls.provider = Some(provider.into());
        self
    }

    /// Uses this configuration for TLS with hosts and proxies. Use it for a
    /// custom verifier, for CAs instead of Mozilla's, or for a client
    /// certificate whose key is in an HSM.
    ///
    /// [`build`](Self::build) refuses it together with
    /// [`ca_pem`](Self::ca_pem), [`ca_file`](Self::ca_file),
    /// [`client_auth_pem`](Self::client_auth_pem),
    /// [`client_auth_file`](Self::client_auth_file),
    /// [`crypto_provider`](Self::crypto_provider) or `platform_verifier`. If
    /// the configuration names no ALPN protocols, the client offers HTTP/2 and
    /// HTTP/1.1.
    pub fn tls_config(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls.config = Some(config.into());
        self
    }

    /// Offers HTTP/1.1 only. Use it if a gateway on the way handles HTTP/2
    /// badly. Default: both.
    pub fn http1_only(mut self) -> Self {
        self.tls.http1_only = true;
        self
    }

    /// Allows http to this machine (`localhost` and loopback addresses),
    /// without a proxy. Use it in tests, for example with `MockServer`.
    ///
    /// Default: refused, unless the environment has `GENESYS_ALLOW_LOOPBACK=1`.
    /// [`Org::from_env`](crate::Org::from_env) reads that variable too.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sets the `User-Agent` of requests without one. Default: `tower-genesys/`
    /// and the crate's version.
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Builds the client. Reads the environment, the certificate files and, if
    /// asked to, the system's trust store; does no other I/O.
    ///
    /// The client needs a runtime when you await a response: a tokio runtime
    /// with I/O and time. Each request may use [another one](super#runtimes).
    ///
    /// # Errors
    ///
    /// A [`ClientConfigError`] that names the unusable setting.
    pub fn build<B>(&self) -> Result<Client<B>, ClientConfigError>
    where
        B: Body + Send,
        B::Data: Send,
    {
        self.build_in(|name| env::var_os(name))
    }

    fn build_in<B>(
        &self,
        look_up: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Client<B>, ClientConfigError>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let proxies = self.proxy.read(&self.proxy_exceptions, &look_up)?;
        let loopback = self.loopback || loopback::from_env(&look_up).map_err(unreadable)?;
        let tls = self.tls.read()?;
        let connector = Connector::new(self.tcp(), tls, proxies, self.connect_timeout);
        let pools = Pools::new(self.pools.clone(), connector);
        let user_agent = self.user_agent.clone();
        Ok(Client::over(pools, loopback, self.limits, user_agent))
    }

    fn tcp(&self) -> HttpConnector {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(self.tcp_keepalive));
        tcp.set_keepalive_interval(Some(Duration::from_secs(10)));
        tcp.set_keepalive_retries(Some(3));
        tcp
    }
}

fn unreadable(message: String) -> ClientConfigError {
    ClientConfigError::new(ClientConfigErrorKind::Loopback, message)
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self::new()
    }
}
