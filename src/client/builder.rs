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

/// How long a server may be silent before nothing can be expected of it any more.
///
/// Genesys Cloud runs behind AWS' load balancers, which end an exchange after 60 seconds without data
/// (and answer 504 themselves where there is no response yet). A quarter is added for that answer to
/// arrive.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);

/// Settings of a [`Client`].
///
/// # Default
///
/// | setting | value | why |
/// |---|---|---|
/// | [proxy](Self::proxy_from_env) | from the environment | what every other tool on the machine uses |
/// | TLS | 1.2 and 1.3, [*ring*](super#crypto-provider), Mozilla's CAs | known to work without anything installed |
/// | protocol | HTTP/2, or 1.1, as the server chooses (ALPN) | with 2, one connection does for all |
/// | [http](Self::allow_loopback) | refused | tokens and secrets would go unencrypted |
/// | [connect time-out](Self::connect_timeout) | 5 s | see there, as for all that follow |
/// | [response time-out](Self::response_timeout) | 75 s | for the head |
/// | [body idle time-out](Self::body_idle_timeout) | 75 s | between two parts of the body |
/// | [idle connections](Self::pool_idle_timeout) | closed after 50 s | |
/// | [idle connections](Self::pool_max_idle_per_host) | 32 per host | |
/// | [HTTP/2 ping](Self::http2_keep_alive_interval) | after 15 s, answered within 10 s | |
/// | [TCP probe](Self::tcp_keepalive) | after 30 s, and each 10 s, three times | |
/// | [`User-Agent`](Self::user_agent) | `tower-genesys/` and the version | common firewall rules refuse requests without one |
/// | `TCP_NODELAY` | set | a small request shall not wait for more |
///
/// Redirects are not followed, answers are not decompressed, and nothing is sent again but what was
/// not sent at all: that is for layers around it.
///
/// An example: [`client`](crate::client).
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
    /// The defaults, see [above](Self#default).
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

    /// Takes the proxy from the environment, when the client is built: the default.
    ///
    /// The first of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` that is not empty
    /// names it, as in `http://USER:PASSWORD@HOST:PORT`; user and password are percent-encoded, and
    /// may be missing, as may the scheme. With `https://` the proxy itself is spoken to by TLS. The
    /// first of `NO_PROXY` and `no_proxy` that is not empty says what is reached without, as for
    /// [`proxy_except`](Self::proxy_except).
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = ProxySource::Environment;
        self
    }

    /// Uses this proxy, written as in the [environment](Self::proxy_from_env), of which nothing is
    /// read.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySource::Url(url.into().into());
        self
    }

    /// Uses no proxy, whatever the environment says.
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxySource::None;
        self
    }

    /// Reaches these hosts without the proxy, in addition to those in `NO_PROXY` and to what
    /// earlier calls have named.
    ///
    /// A list with commas or blanks, as in `NO_PROXY`, in the forms that curl, Go and .NET
    /// understand:
    ///
    /// | entry | reached without the proxy |
    /// |---|---|
    /// | `example.com`, `.example.com`, `*.example.com` | the domain and everything below it |
    /// | `10.1.2.3`, `fd00::1`, `[fd00::1]` | URIs that name this address; names are not resolved |
    /// | `10.0.0.0/8`, `fd00::/8` | URIs that name an address in this network |
    /// | any of these with `:8443` (IPv6 in brackets) | the same, on this port only |
    /// | `*` | everything |
    ///
    /// [`build`](Self::build) refuses any other entry, a URL for example: no host could match it. In
    /// `NO_PROXY` such an entry is ignored with a warning in the log, and the errors of the proxy
    /// name it.
    pub fn proxy_except(mut self, list: impl Into<String>) -> Self {
        self.proxy_exceptions.push(list.into());
        self
    }

    /// Trusts the CAs in this PEM too. Default: Mozilla's only.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.authorities.push(Authorities::Pem(pem.into()));
        self
    }

    /// Trusts the CAs in this PEM file too, which is read when the client is built, and not again.
    /// Default: Mozilla's only.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.authorities.push(Authorities::File(path.into()));
        self
    }

    /// Shows this client certificate to servers that ask for one (mutual TLS): the certificate with
    /// its chain, and its private key, both as PEM. Default: none.
    ///
    /// The key may be PKCS#8, PKCS#1 or SEC1, and not encrypted. [`build`](Self::build) refuses a key
    /// that does not belong to the certificate. The last call to this and
    /// [`client_auth_file`](Self::client_auth_file) wins.
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

    /// Shows the client certificate in these PEM files, as
    /// [`client_auth_pem`](Self::client_auth_pem). Both may be the same file.
    ///
    /// They are read when the client is built, and not again.
    pub fn client_auth_file(
        mut self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.tls.client = Some(ClientAuth::File(certificates.into(), key.into()));
        self
    }

    /// Trusts the CAs that the system trusts, in place of Mozilla's: on macOS, iOS and Windows by
    /// the system's own verifier, elsewhere by the CAs of its trust store, such as those of
    /// `ca-certificates`. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others there.
    ///
    /// Use it where a company installs its CAs on each machine. CAs of [`ca_pem`](Self::ca_pem) and
    /// [`ca_file`](Self::ca_file) are trusted too. The store is read when the client is built.
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

    /// Uses this crypto provider. Default: the one that the [features](super#crypto-provider) compile
    /// in, *ring* by default.
    ///
    /// The provider that is installed for the process is used only if they compile none in, so it
    /// does not matter which providers other crates install.
    pub fn crypto_provider(mut self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        self.tls.provider = Some(provider.into());
        self
    }

    /// Uses this configuration for TLS with hosts and proxies: for a verifier, for CAs in place of
    /// Mozilla's, or for a client certificate whose key is in an HSM.
    ///
    /// It excludes [`ca_pem`](Self::ca_pem), [`ca_file`](Self::ca_file),
    /// [`client_auth_pem`](Self::client_auth_pem), [`client_auth_file`](Self::client_auth_file) and
    /// [`crypto_provider`](Self::crypto_provider). Where it names no ALPN protocols, HTTP/2 and 1.1
    /// are offered.
    pub fn tls_config(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls.config = Some(config.into());
        self
    }

    /// Speaks HTTP/1.1 only, for what stands in between and does not do HTTP/2 well. Default: both.
    pub fn http1_only(mut self) -> Self {
        self.tls.http1_only = true;
        self
    }

    /// Allows http to this machine (`localhost` and loopback addresses), without a proxy, for tests
    /// such as those with `MockServer`. Default: no, unless the environment has
    /// `GENESYS_ALLOW_LOOPBACK=1`, which [`Org::from_env`](crate::Org::from_env) reads, too.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sets the `User-Agent` of requests that have none. Default: `tower-genesys/` and the crate's
    /// version.
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Builds the client. It needs no runtime until a response is awaited, and then one of tokio
    /// with I/O and time; it may be another one [for each request](super#runtimes).
    ///
    /// This reads the environment and the CA files, and does no other I/O.
    ///
    /// # Errors
    ///
    /// A [`ClientConfigError`] that names the setting which cannot be used.
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
