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

/// The limit on the head of a proxy's response: the lowest that hyper accepts.
const LONGEST_HEAD: usize = 8 * 1024;

/// Why a proxy did not open a tunnel.
///
/// hyper-util's `Tunnel` reports neither the status nor the required
/// authentication.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// The proxy requires a user and a password, or refused the given ones.
    Authentication { offers_basic: bool },
    /// The proxy responded with another status than a success.
    Status(StatusCode),
    /// The proxy did not respond, or not in HTTP.
    Broken(BoxError),
}

/// Asks the proxy at the other end of `io` to connect to the host and port of
/// `dst`.
///
/// Returns the same connection, which then leads to the host.
///
/// # Errors
///
/// A [`TunnelError`]. The connection is then dropped.
///
/// # Cancellation
///
/// Dropping the future closes the connection.
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
        // hyper stops driving the connection once the proxy switches protocols,
        // at the latest with the response. If the response is first, the
        // connection is driven to that point.
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
    // The read buffer is dropped. It holds no data of the host, because in TLS
    // the client speaks first.
    Ok(connection.into_parts().io)
}

/// Builds the `CONNECT` request, with the proxy's credentials if there are any.
fn request(
    dst: &Uri,
    credentials: Option<&HeaderValue>,
) -> Result<Request<Empty<Bytes>>, TunnelError> {
    let authority =
        Authority::of(dst).map_err(|_| broken("the URI has an invalid host or port"))?;
    let target = format!("{}:{}", authority.host(), authority.port_or(443));
    let mut request = Request::connect(&target).header(HOST, &target);
    if let Some(credentials) = credentials {
        request = request.header(PROXY_AUTHORIZATION, credentials);
    }
    request.body(Empty::new()).map_err(broken)
}

/// Returns whether the proxy has opened the tunnel.
fn accept(response: &Response<Incoming>) -> Result<(), TunnelError> {
    match response.status() {
        status if status.is_success() => Ok(()),
        // Only 407 is a proxy's to send, but tinyproxy 1.11 responds to a wrong
        // password with 401.
        StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED => {
            Err(TunnelError::Authentication {
                offers_basic: offers_basic(response.headers()),
            })
        }
        status => Err(TunnelError::Status(status)),
    }
}

/// Returns whether the proxy offers Basic. A proxy that names no scheme counts
/// as offering it.
fn offers_basic(headers: &HeaderMap) -> bool {
    let mut challenges = headers.get_all(PROXY_AUTHENTICATE).iter().peekable();
    challenges.peek().is_none() || challenges.any(names_basic)
}

/// Searches one header, which may contain several challenges, each a scheme
/// followed by parameters.
fn names_basic(challenges: &HeaderValue) -> bool {
    let challenges = String::from_utf8_lossy(challenges.as_bytes());
    // A comma separates challenges and also their parameters. The first word of
    // a parameter is its name, and none is called `basic`.
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
            Self::Authentication { .. } => f.write_str("the proxy requires authentication"),
            Self::Status(status) => write!(f, "the proxy answered {}", status.as_u16()),
            Self::Broken(_) => f.write_str("the proxy did not respond like a proxy"),
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
