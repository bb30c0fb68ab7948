use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    PageError, PageErrorKind, PagedRequest,
    body::{self, Body},
    exchange::{Answer, Failure},
};

/// One request of a stream.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Behind the base of the API.
    pub(super) path: String,
    pub(super) body: Bytes,
}

pub(super) struct Fetched<T> {
    pub(super) body: Body<T>,
    /// Two pages with the same one are the same page.
    pub(super) digest: [u8; 32],
    pub(super) correlation_id: Option<Box<str>>,
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
        Self {
            method: Method::POST,
            path,
            body: body.to_string().into(),
        }
    }
}

/// Fetches a page. One whose answer breaks off is asked for once more: the layers below have done
/// their part when the head is there.
pub(super) async fn page<T: DeserializeOwned>(
    request: Arc<PagedRequest>,
    ask: Ask,
) -> Result<Fetched<T>, PageError> {
    let answer = read(&request, ask).await?;
    match body::read(&answer.body, &request.settings.items) {
        Ok(body) if body::has_others::<T>(&body, &answer.body) => {
            Err(misnamed(&request.settings.items).with_correlation_id(answer.correlation_id))
        }
        Ok(body) => Ok(Fetched {
            body: Body {
                total: request.settings.heeded(body.total),
                ..body
            },
            digest: Sha256::digest(&answer.body).into(),
            correlation_id: answer.correlation_id,
        }),
        Err(error) => Err(malformed(error, answer.correlation_id)),
    }
}

/// Fetches what can be fetched twice.
pub(super) async fn read(request: &PagedRequest, ask: Ask) -> Result<Answer, PageError> {
    match send(request, ask.clone()).await? {
        Err(Failure::BrokenOff(..)) => Ok(send(request, ask).await??),
        answer => Ok(answer?),
    }
}

/// Sends a request that may do more if it is sent twice.
pub(super) async fn once(request: &PagedRequest, ask: Ask) -> Result<Answer, PageError> {
    Ok(send(request, ask).await??)
}

async fn send(request: &PagedRequest, ask: Ask) -> Result<Result<Answer, Failure>, PageError> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let org = &request.pager.org;
    let mut sent = Request::new(ask.body);
    *sent.method_mut() = ask.method;
    *sent.uri_mut() = org.api(&ask.path)?;
    sent.headers_mut().insert(ACCEPT, JSON);
    if !sent.body().is_empty() {
        sent.headers_mut().insert(CONTENT_TYPE, JSON);
    }
    sent.extensions_mut().insert(org.clone());
    sent.extensions_mut().insert(request.settings.options);
    let exchange = &request.pager.exchange;
    Ok(exchange.send(sent, request.settings.bounds).await)
}

/// A path with these parameters behind those that it has.
pub(super) fn with_query<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, String)>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let query = query.finish();
    let mut path = path.to_owned();
    if !query.is_empty() {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&query);
    }
    path
}

/// Nothing in the answer says that rows are missing: without this, the stream would end as if there
/// were none.
fn misnamed(items: &str) -> PageError {
    let message = format!(
        "the page has no `{items}`, and rows in another field; name that by \
         `PagedRequest::with_items`"
    );
    PageError::new(PageErrorKind::Malformed, message)
}

pub(super) fn malformed(error: serde_json::Error, correlation_id: Option<Box<str>>) -> PageError {
    let what = if error.is_data() {
        "is not of the type that was asked for"
    } else {
        "is not JSON"
    };
    let message = format!(
        "the page {what}, in line {}, column {}; the source says more; compare the type of the rows, \
         and look at what stands in between (a proxy's page?)",
        error.line(),
        error.column()
    );
    PageError::new(PageErrorKind::Malformed, message)
        .because(error)
        .with_correlation_id(correlation_id)
}
