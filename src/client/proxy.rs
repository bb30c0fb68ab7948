mod exceptions;

use std::{ffi::OsString, fmt, sync::Arc};

use http::{HeaderValue, Uri, uri::Scheme};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::{ExposeSecret, SecretString};

use self::exceptions::Exceptions;
use crate::authority::{Authority, without_user};
use crate::config_error::{ConfigError, ConfigErrorKind};

/// The variables that name a proxy, in order of precedence. `HTTP_PROXY` is not
/// among them: it is for http, which the client sends to this machine only.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that list exceptions, in order of precedence.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The name of the program's setting in errors.
const SETTING: &str = "`ClientBuilder::proxy`";

/// The end of an error about a text that is not a URL.
const NO_URL: &str = "is not the URL of a proxy, such as http://USER:PASSWORD@HOST:PORT, with `%40` for \
                      `@`, `%3A` for `:`, `%2F` for `/`, `%3F` for `?` and `%23` for `#` in user and password";
/// The forms of an exception, for errors.
const FORMS: &str = "a domain (`example.com`, also for all below it), `host:port`, an IP address, a network \
                     (`10.0.0.0/8`), or `*`";

/// The source of a [`ClientBuilder`](super::ClientBuilder)'s proxy.
#[derive(Clone, Debug)]
pub(super) enum ProxySource {
    /// The variables, which are read at the build.
    Environment,
    /// A URL, possibly with a password.
    Url(SecretString),
    /// No proxy.
    None,
}

/// The proxy, and the hosts to reach without it.
pub(super) struct Proxies {
    /// hyper-util's matcher, with the one proxy for https.
    matcher: Matcher,
    exceptions: Exceptions,
    /// The variable or method that names the proxy, for errors.
    setting: &'static str,
    /// A sentence about exceptions of the environment that are ignored.
    ignored: Option<Arc<str>>,
}

/// The proxy for one connection.
pub(super) struct Proxy {
    intercept: Intercept,
    setting: &'static str,
    ignored: Option<Arc<str>>,
}

impl ProxySource {
    /// Reads the proxy, if any, and adds `exceptions` to those of the
    /// environment.
    ///
    /// `look_up` reads a variable.
    pub(super) fn read(
        &self,
        exceptions: &[String],
        look_up: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Proxies>, ConfigError> {
        let mut known = Exceptions::default();
        // Checked even without a proxy, so that a mistake does not wait for a
        // machine with one.
        for list in exceptions {
            refuse(&known.add(list))?;
        }
        match self {
            Self::None => Ok(None),
            Self::Url(url) => Proxies::new(SETTING, url.expose_secret(), known).map(Some),
            Self::Environment => {
                let Some((setting, url)) = first(&VARIABLES, &look_up)? else {
                    return Ok(None);
                };
                let list = first(&EXCEPTIONS, &look_up)?;
                let ignored = list.and_then(|(name, list)| ignore(name, &known.add(&list)));
                let mut proxies = Proxies::new(setting, &url, known)?;
                proxies.ignored = ignored;
                Ok(Some(proxies))
            }
        }
    }
}

/// Refuses the program's own useless entries: each one is a mistake of its
/// author.
fn refuse(unusable: &[String]) -> Result<(), ConfigError> {
    if unusable.is_empty() {
        return Ok(());
    }
    let message = format!(
        "`ClientBuilder::proxy_except` names {}, which no host can match; write {FORMS} instead",
        unusable.join(", ")
    );
    Err(ConfigError::new(ConfigErrorKind::Proxy, message))
}

/// Ignores the environment's useless entries: other programs read it too, and
/// may understand them. The log and the errors of the proxy name them.
fn ignore(setting: &'static str, unusable: &[String]) -> Option<Arc<str>> {
    if unusable.is_empty() {
        return None;
    }
    let entries = unusable.join(", ");
    tracing::warn!(
        setting,
        entries,
        "proxy exceptions that no host can match are ignored"
    );
    Some(format!("{setting} names {entries}, which no host can match: write {FORMS}").into())
}

/// Returns the first variable that is set and not blank, with its name.
fn first(
    names: &[&'static str],
    look_up: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, String)>, ConfigError> {
    for &name in names {
        let Some(value) = look_up(name) else {
            continue;
        };
        let Ok(value) = value.into_string() else {
            return Err(unusable(name, "is not UTF-8"));
        };
        if !value.trim().is_empty() {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

impl Proxies {
    fn new(setting: &'static str, url: &str, exceptions: Exceptions) -> Result<Self, ConfigError> {
        let url = url.trim();
        check(setting, url)?;
        let matcher = Matcher::builder().https(url).build();
        // The matcher ignores a URL that it cannot read, and would connect
        // without a proxy.
        let somewhere = Uri::from_static("https://host.invalid/");
        if matcher.intercept(&somewhere).is_none() {
            return Err(unusable(setting, NO_URL));
        }
        Ok(Self {
            matcher,
            exceptions,
            setting,
            ignored: None,
        })
    }

    /// Returns the proxy for a destination, or `None` for an exception and for
    /// http.
    pub(super) fn of(&self, dst: &Uri) -> Option<Proxy> {
        if self.exceptions.contain(dst) {
            return None;
        }
        Some(Proxy {
            intercept: self.matcher.intercept(dst)?,
            setting: self.setting,
            ignored: self.ignored.clone(),
        })
    }
}

impl Proxy {
    /// Returns the scheme, host and port of the proxy, without user and
    /// password.
    pub(super) fn uri(&self) -> &Uri {
        self.intercept.uri()
    }

    /// Returns the name of the setting that the proxy is from.
    pub(super) const fn setting(&self) -> &'static str {
        self.setting
    }

    /// Returns a sentence about the environment's exceptions that are ignored.
    pub(super) fn ignored(&self) -> Option<&str> {
        self.ignored.as_deref()
    }

    /// Returns the value for `Proxy-Authorization`, if the URL has a user.
    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.intercept.basic_auth()
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.credentials().is_some()
    }
}

/// Checks the URL of a proxy: its scheme, host and port, and that its password
/// is escaped.
fn check(setting: &'static str, url: &str) -> Result<(), ConfigError> {
    let bad = |what| Err(unusable(setting, what));
    let Ok(uri) = url.parse::<Uri>() else {
        return bad(NO_URL);
    };
    if let Some(scheme) = uri.scheme() {
        if scheme.as_str().starts_with("socks") {
            return bad("names a SOCKS proxy, which is not supported: name an http or https proxy");
        }
        if scheme != &Scheme::HTTP && scheme != &Scheme::HTTPS {
            return bad("has a scheme other than http and https");
        }
    }
    let Some(authority) = uri.authority().map(|authority| authority.as_str()) else {
        return bad(NO_URL);
    };
    // The end of an unescaped password cannot be guessed: a wrong guess would
    // take half of it for the host, and show it. A `#`, `?` or `/` in the
    // password ends the authority before the `@`.
    if url.matches('@').count() > usize::from(authority.contains('@'))
        || authority.matches('@').count() > 1
    {
        return bad(NO_URL);
    }
    if Authority::parse(without_user(authority)).is_err() {
        return bad("has no host, or an invalid port");
    }
    Ok(())
}

/// The error of a proxy setting. It never shows the value, which may contain a
/// password.
fn unusable(setting: &str, what: &str) -> ConfigError {
    let message = format!("{setting} {what}; correct it, or call `ClientBuilder::without_proxy`");
    ConfigError::new(ConfigErrorKind::Proxy, message)
}

/// Omits user and password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("matcher", &self.matcher)
            .field("exceptions", &self.exceptions)
            .field("setting", &self.setting)
            .finish()
    }
}

#[cfg(test)]
mod tests;
