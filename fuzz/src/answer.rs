//! A response as the seeds of a corpus have it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

/// Stands in the seeds for a secret that no error may show. An underscore never
/// occurs in an id, so no id can contain it.
pub(crate) const MARKER: &str = "m4rker_s3cr3t";

/// A response, written nearly as on the wire: a line with the status, lines of
/// headers, an empty line, and the body. Without an empty line, all of it is
/// the body of a 200.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads any bytes: a line that is not a header is skipped, a wrong status
    /// is 200. So each change that a fuzzer makes is a response.
    pub(crate) fn read(data: &[u8]) -> Self {
        let end = data.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&data[..end], &data[end + 2..]),
            None => (&[][..], data),
        };
        let mut lines = head.split(|&byte| byte == b'\n');
        let status = lines.next().map(StatusCode::from_bytes);
        let mut headers = HeaderMap::new();
        for line in lines {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                continue;
            };
            let name = HeaderName::from_bytes(&line[..colon]);
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Self {
            status: status.and_then(Result::ok).unwrap_or(StatusCode::OK),
            headers,
            body: Bytes::copy_from_slice(body),
        }
    }

    /// Returns it as a response of a client.
    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}
