use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// One request of a stream.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Behind the base of the API.
    pub(super) path: String,
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: Bytes::new(),
        }
    }

    pub(super) fn post(path: String, body: &Value) -> Self {
        Self::send(Method::POST, path, body)
    }

    pub(super) fn send(method: Method, path: String, body: &Value) -> Self {
        Self {
            method,
            path,
            body: body.to_string().into(),
        }
    }
}
