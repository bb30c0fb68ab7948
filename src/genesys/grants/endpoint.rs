use std::{
    future::poll_fn,
    marker::PhantomData,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
    response::Parts,
};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tower_service::Service;

use super::wire;
use crate::{
    BoxError,
    genesys::{Credentials, Region},
    token::{IssuedToken, TokenError, TokenErrorKind},
};

/// What is read of an answer of the token endpoint. A token and what comes with it are some hundred
/// bytes; more is a page of something else.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The token endpoint of a region, by an HTTP client.
pub(super) struct Endpoint<C, B> {
    region: Region,
    // A source is shared between threads, and a client need only be cloned.
    client: Mutex<C>,
    body: PhantomData<fn(B)>,
}

impl<C, B> Endpoint<C, B> {
    pub(super) fn new(region: Region, client: C) -> Self {
        Self {
            region,
            client: Mutex::new(client),
            body: PhantomData,
        }
    }

    pub(super) fn login_host(&self) -> &str {
        self.region.login_host()
    }

    /// Sends a form, and reads a token from the answer.
    pub(super) async fn post<R>(
        &self,
        credentials: &Credentials,
        form: &[(&str, &str)],
    ) -> Result<IssuedToken, TokenError>
    where
        C: Service<Request<B>, Response = Response<R>> + Clone,
        C::Error: Into<BoxError>,
        B: From<Full<Bytes>>,
        R: Body,
        R::Error: Into<BoxError>,
    {
        let host = self.login_host();
        let request = request(self.region.token_url(), credentials, form);
        let mut client = self
            .client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        poll_fn(|cx| client.poll_ready(cx))
            .await
            .map_err(|error| unreachable(host, error))?;
        let response = client
            .call(request)
            .await
            .map_err(|error| unreachable(host, error))?;
        let (head, body) = read(response)
            .await
            .map_err(|error| unreadable(host, error))?;
        wire::token(&head, &body).map_err(|failure| failure.into_error(host, &head))
    }
}

fn request<B: From<Full<Bytes>>>(
    uri: Uri,
    credentials: &Credentials,
    form: &[(&str, &str)],
) -> Request<B> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let pair = format!("{}:{}", credentials.id(), credentials.secret());
    let basic = Bytes::from(format!("Basic {}", BASE64_STANDARD.encode(pair)));
    let mut request = Request::new(B::from(Full::from(form)));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form_type);
    // Base 64 has no character that a header could not carry.
    if let Ok(mut basic) = HeaderValue::from_maybe_shared(basic) {
        basic.set_sensitive(true);
        headers.insert(AUTHORIZATION, basic);
    }
    request
}

async fn read<R>(response: Response<R>) -> Result<(Parts, Bytes), BoxError>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER)
        .collect()
        .await?
        .to_bytes();
    Ok((head, body))
}

fn unreachable(host: &str, error: impl Into<BoxError>) -> TokenError {
    let message = format!(
        "the token endpoint at {host} was not reached; check the network, the proxy and the region"
    );
    TokenError::new(TokenErrorKind::Transport, message)
        .with_login_host(host)
        .with_source(error)
}

fn unreadable(host: &str, error: BoxError) -> TokenError {
    let error = if error.is::<LengthLimitError>() {
        let message = format!(
            "the token endpoint at {host} sent more than {LONGEST_ANSWER} bytes, which is no token; \
             check the region or base URL, and what stands in between (a proxy's page?)"
        );
        TokenError::new(TokenErrorKind::Malformed, message)
    } else {
        let message = format!("the answer of the token endpoint at {host} broke off");
        TokenError::new(TokenErrorKind::Transport, message).with_source(error)
    };
    error.with_login_host(host)
}
