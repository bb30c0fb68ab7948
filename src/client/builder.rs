use std::{env, ffi::OsString, time::Duration};

use http::HeaderValue;
use http_body::Body;
use hyper_util::client::legacy::connect::HttpConnector;

use super::{
    Client,
    connector::Connector,
    future::Limits,
    pools::{PoolSettings, Pools},
    proxy::ProxySource,
    tls::TlsSettings,
};
use crate::{
    config_error::{ConfigError, ConfigErrorKind},
    loopback,
};

/// The default `User-Agent`.
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
#[must_use = "call `build` to get the client"]
pub struct ClientBuilder {
    proxy: ProxySource,
    /// Lists for [`proxy_except`](Self::proxy_except), parsed at the build.
    proxy_exceptions: Vec<String>,
    pub(super) tls: TlsSettings,
    /// Whether http to this machine is allowed, whatever the environment says.
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
    ///
    /// ```
    /// use tower_genesys::{client::ClientBuilder, genesys::ConfigErrorKind};
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let proxied = ClientBuilder::new().proxy("http://me:s3cr3t@proxy:3128");
    /// assert!(proxied.build::<Body>().is_ok());
    ///
    /// // The `@` of a password must be written as `%40`.
    /// let wrong = ClientBuilder::new().proxy("http://me:s3@cr3t@proxy:3128");
    /// let error = wrong.build::<Body>().unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::Proxy);
    /// assert!(!error.to_string().contains("cr3t"));
    /// ```
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
    ///
    /// ```
    /// use tower_genesys::client::ClientBuilder;
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let client = |list: &str| {
    ///     let builder = ClientBuilder::new().proxy("http://proxy:3128");
    ///     builder.proxy_except(list).build::<Body>()
    /// };
    /// assert!(client("internal.example.com, 10.0.0.0/8 [fd00::1]:8443").is_ok());
    /// assert!(client("https://internal.example.com/").is_err());
    /// ```
    pub fn proxy_except(mut self, list: impl Into<String>) -> Self {
        self.proxy_exceptions.push(list.into());
        self
    }

    /// Allows http to this machine (`localhost` and loopback addresses),
    /// without a proxy. Use it in tests, for example with `MockServer`.
    ///
    /// Default: refused, unless the environment has `GENESYS_ALLOW_LOOPBACK=1`.
    /// [`Org::from_env`](crate::Org::from_env) reads that variable too.
    ///
    /// [`ResponseBody`](super::ResponseBody) shows a request to such a server.
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
    /// A [`ConfigError`] that names the unusable setting.
    pub fn build<B>(&self) -> Result<Client<B>, ConfigError>
    where
        B: Body + Send,
        B::Data: Send,
    {
        self.build_in(|name| env::var_os(name))
    }

    /// Builds the client in an environment that `look_up` reads.
    fn build_in<B>(
        &self,
        look_up: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Client<B>, ConfigError>
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

    /// Returns the TCP connector, without its time limit.
    fn tcp(&self) -> HttpConnector {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(self.tcp_keepalive));
        // Three probes, ten seconds apart: with the default of 30 seconds, a
        // dead connection is noticed within a minute.
        tcp.set_keepalive_interval(Some(Duration::from_secs(10)));
        tcp.set_keepalive_retries(Some(3));
        tcp
    }
}

fn unreadable(message: String) -> ConfigError {
    ConfigError::new(ConfigErrorKind::Variable, message)
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self::new()
    }
}
