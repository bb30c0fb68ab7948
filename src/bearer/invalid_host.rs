use std::{error::Error, fmt};

use crate::authority::Fault;

/// The longest part of the text that an error repeats, in characters.
const ECHO: usize = 60;

/// The error of [`Origins`](super::Origins) for a text that is not `host` or
/// `host:port`.
///
/// The message says what to write instead. It repeats the text shortened and
/// escaped, or omits it if it may contain a password.
///
/// ```
/// use tower_genesys::bearer::Origins;
///
/// let error = Origins::of_host("https://api.mypurecloud.com/").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`https://api.mypurecloud.com/` is not a host; write a host, with a port if needed, such as \
///      `api.mypurecloud.com` or `gw.example:8443`, without scheme and path"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHost {
    message: Box<str>,
}

impl InvalidHost {
    pub(super) fn new(text: &str, fault: Fault) -> Self {
        let what = match fault {
            Fault::UserInfo => "the host contains a user name or a password".into(),
            Fault::NoHost if text.is_empty() => "the host is empty".into(),
            Fault::NoHost => format!("{} has no host", echo(text)),
            Fault::Host => format!("{} is not a host", echo(text)),
            Fault::Port => format!("{} has an invalid port", echo(text)),
        };
        let message = format!(
            "{what}; write a host, with a port if needed, such as `api.mypurecloud.com` or \
             `gw.example:8443`, without scheme and path"
        );
        Self {
            message: message.into(),
        }
    }
}

fn echo(text: &str) -> String {
    let shown = text.chars().take(ECHO).flat_map(char::escape_default);
    let more = text.chars().nth(ECHO).map(|_| '…');
    format!("`{}`", shown.chain(more).collect::<String>())
}

impl fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for InvalidHost {}
