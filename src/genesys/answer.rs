//! Reads an answer of the token endpoint, of the API, or of a page: its body,
//! within bounds, and the id in its head.

use std::{future::poll_fn, pin::pin, time::Duration};

use bytes::{Buf, BufMut};
use http::{HeaderMap, header::CONTENT_ENCODING};
use http_body::Body;

use crate::{BoxError, runtime::within};

/// Gives up after this many frames without data, so that a body of empty frames
/// ends, too.
const MOST_EMPTY_FRAMES: usize = 1024;

/// The longest id of a request that is kept. Genesys' ids are UUIDs, of 36
/// characters.
const LONGEST_ID: usize = 64;

/// Limits on the size and duration of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    /// The time from the head of the answer to its end.
    pub(super) time: Duration,
}

/// Why the body of an answer was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// The body exceeds the bound on bytes, or has too many empty frames.
    TooLong,
    /// The body did not end within the bound on time.
    Late,
    /// The body is compressed with this coding, and no layer decoded it.
    Encoded(&'static str),
    /// The body ended with this error.
    BrokenOff(BoxError),
}

/// Reads a body to its end, and returns it without a byte order mark.
///
/// Outside of a tokio runtime, the time is not limited.
pub(super) async fn read<R>(headers: &HeaderMap, body: R, bounds: Bounds) -> Result<Vec<u8>, Unread>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    if let Some(coding) = coding(headers) {
        return Err(Unread::Encoded(coding));
    }
    let collected = within(bounds.time, collect(body, bounds.bytes)).await;
    collected.unwrap_or(Err(Unread::Late))
}

/// Removes the byte order mark of a JSON text. A parser may ignore the mark
/// (RFC 8259, section 8.1); `serde_json` refuses it.
pub(super) fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json)
}

/// Returns the coding that a body still has. A layer that decodes a body also
/// removes the header.
///
/// The name ends up in errors, so only names of this list are returned.
pub(super) fn coding(headers: &HeaderMap) -> Option<&'static str> {
    let codings = headers.get_all(CONTENT_ENCODING).into_iter();
    let codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is = |value: &[u8], names: &[&str]| {
        { names.iter() }.any(|name| value.eq_ignore_ascii_case(name.as_bytes()))
    };
    { codings.map(<[u8]>::trim_ascii) }.find_map(|coding| match coding {
        // Some servers name the character set here.
        value if is(value, &["", "identity", "utf-8", "utf8"]) => None,
        value if is(value, &["gzip", "x-gzip"]) => Some("gzip"),
        value if is(value, &["deflate"]) => Some("deflate"),
        value if is(value, &["br"]) => Some("br"),
        value if is(value, &["zstd"]) => Some("zstd"),
        value if is(value, &["compress", "x-compress"]) => Some("compress"),
        _ => Some("unknown"),
    })
}

/// Returns the id under which Genesys knows a request (`ININ-Correlation-Id`).
/// A value of another form is dropped, since the id ends up in errors and logs.
pub(super) fn correlation_id(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("inin-correlation-id")?
        .to_str()
        .ok()
        .filter(|id| is_plain(id))
}

/// Reports whether a text is short and holds only letters, digits and hyphens.
pub(super) fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(plain)
}

/// Collects a body of at most `limit` bytes, without a byte order mark.
///
/// The number of frames without data is limited, too: a stream of empty frames
/// would never reach the limit on bytes.
async fn collect<R>(body: R, limit: usize) -> Result<Vec<u8>, Unread>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLong);
    }
    let mut body = pin!(body);
    let mut collected = Vec::new();
    let mut empty = 0;
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|error| Unread::BrokenOff(error.into()))?;
        match frame.into_data() {
            Ok(data) if data.remaining() > limit - collected.len() => return Err(Unread::TooLong),
            Ok(data) if data.has_remaining() => collected.put(data),
            _ if empty >= MOST_EMPTY_FRAMES => return Err(Unread::TooLong),
            _ => empty += 1,
        }
    }
    let mark = collected.len() - without_mark(&collected).len();
    collected.drain(..mark);
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;
    use http_body_util::Full;
    use tokio::time::Instant;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        bytes: 16,
        time: Duration::from_secs(1),
    };

    async fn body(coding: &'static str, body: &'static str) -> Result<String, Unread> {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
        let read = read(&headers, Full::<Bytes>::from(body), BOUNDS).await;
        read.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_order_mark_in_front_is_taken_away_and_no_other() {
        for (sent, expected) in [
            ("\u{feff}{}", "{}"),
            ("{}", "{}"),
            ("\u{feff}", ""),
            ("\"\u{feff}\"", "\"\u{feff}\""),
            ("", ""),
        ] {
            assert_eq!(body("identity", sent).await.unwrap(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_coding_that_nobody_has_taken_away_is_an_error_of_its_own() {
        for (coding, expected) in [
            ("gzip", Some("gzip")),
            ("X-GZIP", Some("gzip")),
            ("identity, br", Some("br")),
            ("zstd", Some("zstd")),
            ("MARK", Some("unknown")),
            ("Identity", None),
            ("UTF-8", None),
            ("", None),
        ] {
            let read = body(coding, "{}").await;
            match expected {
                None => assert_eq!(read.unwrap(), "{}", "{coding}"),
                Some(expected) => assert!(
                    matches!(read, Err(Unread::Encoded(name)) if name == expected),
                    "{coding}"
                ),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_long_or_does_not_end_is_given_up() {
        let long = body("identity", "12345678901234567").await;
        assert!(matches!(long, Err(Unread::TooLong)), "{long:?}");
        let endless = http_body_util::StreamBody::new(futures_util::stream::pending::<
            Result<http_body::Frame<Bytes>, BoxError>,
        >());
        let begun = Instant::now();
        let endless = read(&HeaderMap::new(), endless, BOUNDS).await;
        assert!(matches!(endless, Err(Unread::Late)), "{endless:?}");
        assert_eq!(begun.elapsed(), BOUNDS.time);
    }
}
