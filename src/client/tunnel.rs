use std::{error::Error, fmt, future::poll_fn, pin::pin};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
};
use http_body_util::Empty;
use hyper::{
    body::Incoming,
    client::conn::http1,
    rt::{Read, Write},
};

use crate::{BoxError, authority::Authority};

/// The most that is read of a proxy's answer: the least that hyper can be limited to.
const LONGEST_HEAD: usize = 8 * 1024;

/// Why a proxy makes no tunnel.
///
/// hyper-util's own `Tunnel` does not say which status there was, nor which authentication is
/// wanted.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// It wants a user and a password, or others.
    Authentication { offers_basic: bool },
    /// It answered with another status than a success.
    Status(StatusCode),
    /// It did not answer, or not in the way of HTTP.
    Broken(BoxError),
}

/// Asks the proxy at the other end of `io` to connect to the host and port of `dst`.
///
/// What it returns is the same connection, which then leads there.
pub(super) async fn connect<T>(
    io: T,
    dst: &Uri,
    credentials: Option<&HeaderValue>,
) -> Result<T, TunnelError>
where
    T: Read + Write + Unpin,
{
    let request = request(dst, credentials)?;
    let (mut sender, mut connection) = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .handshake(io)
        .await
        .map_err(broken)?;

    let mut switched = false;
    let response = {
        let driven = pin!(poll_fn(|cx| connection.poll_without_shutdown(cx)));
        match select(driven, pin!(sender.send_request(request))).await {
            Either::Left((ended, response)) => {
                ended.map_err(broken)?;
                switched = true;
                response.await
            }
            Either::Right((response, _)) => response,
        }
    };
    accept(&response.map_err(broken)?)?;
    if !switched {
        poll_fn(|cx| connection.poll_without_shutdown(cx))
            .await
            .map_err(broken)?;
    }
    // Nothing of the host's is lost with the buffer: in TLS, the client speaks first.
    Ok(connection.into_parts().io)
}

fn request(
    dst: &Uri,
    credentials: Option<&HeaderValue>,
) -> Result<Request<Empty<Bytes>>, TunnelError> {
    let authority = Authority::of(dst).map_err(|_| broken("a host or port that is none"))?;
    let target = format!("{}:{}", authority.host(), authority.port_or(443));
    let mut request = Request::connect(&target).header(HOST, &target);
    if let Some(credentials) = credentials {
        request = request.header(PROXY_AUTHORIZATION, credentials);
    }
    request.body(Empty::new()).map_err(broken)
}

fn accept(response: &Response<Incoming>) -> Result<(), TunnelError> {
    match response.status() {
        status if status.is_success() => Ok(()),
        // 401 is the server's to say, and yet what tinyproxy 1.11 answers to a wrong password.
        StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED => {
            Err(TunnelError::Authentication {
                offers_basic: offers_basic(response.headers()),
            })
        }
        status => Err(TunnelError::Status(status)),
    }
}

/// Whether Basic is among what the proxy offers. One that names nothing is taken to.
fn offers_basic(headers: &HeaderMap) -> bool {
    let mut challenges = headers.get_all(PROXY_AUTHENTICATE).iter().peekable();
    challenges.peek().is_none() || challenges.any(names_basic)
}

/// Several challenges may stand in one header, each as its scheme and parameters behind it.
fn names_basic(challenges: &HeaderValue) -> bool {
    let challenges = String::from_utf8_lossy(challenges.as_bytes());
    challenges.split(',').any(|part| {
        part.split_whitespace()
            .next()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
    })
}

fn broken(error: impl Into<BoxError>) -> TunnelError {
    TunnelError::Broken(error.into())
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authentication { .. } => f.write_str("the proxy wants authentication"),
            Self::Status(status) => write!(f, "the proxy answered {}", status.as_u16()),
            Self::Broken(_) => f.write_str("the proxy did not answer as one"),
        }
    }
}

impl Error for TunnelError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Broken(error) => Some(&**error),
            Self::Authentication { .. } | Self::Status(_) => None,
        }
    }
}
