//! A client for each way to keep a token. It sends a numbered request, and
//! replays it once after a 401 if the way allows that.

use std::{convert::Infallible, future::Future, sync::Arc};

use async_trait::async_trait;
use azure_core::http::{
    AsyncRawResponse, Context, Method, Request as AzureRequest, headers::Headers, policies::Policy,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use toolkit_http::HttpError;
use tower::{Layer, Service, ServiceExt};

use super::api::{ID, Revocable, RevocableService};
use crate::{
    api,
    issuer::Issuer,
    loopback::Server,
    peers::{
        azure,
        by_hand::{Locked, Queued, Swapped},
        cf_gears, google, ours, yup,
    },
};

pub type Client = Arc<dyn Fn(usize) -> BoxFuture<'static, StatusCode> + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Ours,
    Swapped,
    Queued,
    Locked,
    CfGears,
    Azure,
    Yup,
    Google,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Ours,
        Self::Swapped,
        Self::Queued,
        Self::Locked,
        Self::CfGears,
        Self::Azure,
        Self::Yup,
        Self::Google,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "`GenesysLayer`",
            Self::Swapped => "by hand: arc-swap, one fetch for each refused token",
            Self::Queued => "by hand: tokio `Mutex`, one fetch for each refused token",
            Self::Locked => "by hand: std `RwLock`, forgotten at a 401",
            Self::CfGears => "cf-gears-toolkit-auth",
            Self::Azure => "azure_core, with a callback for challenges",
            Self::Yup => "yup-oauth2, `force_refreshed_token` at a 401",
            Self::Google => "google-cloud-auth",
        }
    }

    pub const fn needs_server(self) -> bool {
        matches!(self, Self::CfGears | Self::Google | Self::Yup)
    }
}

/// A client with its first token.
pub async fn build(kind: Kind, issuer: &Issuer, server: Option<Server>, api: &Revocable) -> Client {
    let server = || server.expect("there is a server for those who need one");
    match kind {
        Kind::Ours => {
            let layer = ours::layer(ours::tokens(issuer).await);
            service(layer.layer(RevocableService::<Infallible>::new(api)))
        }
        Kind::CfGears => {
            let layer = cf_gears::layer(cf_gears::tokens(server()).await);
            service(layer.layer(RevocableService::<HttpError>::new(api)))
        }
        Kind::Swapped => by_hand(Swapped::new(issuer.clone()).await, api),
        Kind::Queued => by_hand(Arc::new(Queued::new(issuer.clone()).await), api),
        Kind::Locked => by_hand(Arc::new(Locked::new(issuer.clone()).await), api),
        Kind::Yup => by_hand(Arc::new(Yup(yup::authenticator(server()).await)), api),
        Kind::Google => by_hand(Arc::new(Google(google::credentials(server()).await)), api),
        Kind::Azure => azure_client(issuer, api).await,
    }
}

fn service<S, R>(service: S) -> Client
where
    S: Service<Request<Body>, Response = http::Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    Arc::new(move |id| {
        let service = service.clone();
        Box::pin(async move {
            let mut request = api::request();
            request.headers_mut().insert(ID, HeaderValue::from(id));
            let answer = service.oneshot(request).await;
            answer.map_or(StatusCode::BAD_GATEWAY, |response| response.status())
        })
    })
}

type Body = http_body_util::Full<bytes::Bytes>;

/// The interface between a client by hand and its tokens.
trait Tokens: Send + Sync + 'static {
    fn header(&self) -> impl Future<Output = HeaderValue> + Send;

    /// Discards the token after a 401.
    fn refused(&self, header: &HeaderValue) -> impl Future<Output = ()> + Send;
}

fn by_hand<T: Tokens>(tokens: Arc<T>, api: &Revocable) -> Client {
    let service = RevocableService::<Infallible>::new(api);
    Arc::new(move |id| {
        let (tokens, service) = (Arc::clone(&tokens), service.clone());
        Box::pin(async move {
            let header = tokens.header().await;
            let Ok(response) = service.clone().oneshot(signed(id, &header)).await;
            if response.status() != StatusCode::UNAUTHORIZED {
                return response.status();
            }
            drop(response);
            tokens.refused(&header).await;
            let header = tokens.header().await;
            let Ok(response) = service.oneshot(signed(id, &header)).await;
            response.status()
        })
    })
}

/// The request that the layers get, built for each send.
fn signed(id: usize, token: &HeaderValue) -> Request<Body> {
    let mut request = api::request();
    request.headers_mut().insert(ID, HeaderValue::from(id));
    request.headers_mut().insert(AUTHORIZATION, token.clone());
    request
}

impl Tokens for Swapped {
    async fn header(&self) -> HeaderValue {
        self.header().await
    }

    async fn refused(&self, header: &HeaderValue) {
        self.refused(header).await;
    }
}

impl Tokens for Queued {
    async fn header(&self) -> HeaderValue {
        self.header().await
    }

    async fn refused(&self, header: &HeaderValue) {
        self.refused(header).await;
    }
}

impl Tokens for Locked {
    async fn header(&self) -> HeaderValue {
        self.header().await
    }

    async fn refused(&self, _header: &HeaderValue) {
        self.refused();
    }
}

struct Yup(yup_oauth2::authenticator::Authenticator<Connector>);

type Connector = hyper_util::client::legacy::connect::HttpConnector;

impl Tokens for Yup {
    async fn header(&self) -> HeaderValue {
        let token = self.0.token(&yup::SCOPES).await.expect("there is one");
        let value = format!("Bearer {}", token.token().unwrap_or_default());
        HeaderValue::try_from(value).expect("tokens are visible ASCII")
    }

    async fn refused(&self, _header: &HeaderValue) {
        // The replay reports a failure.
        let _ = self.0.force_refreshed_token(&yup::SCOPES).await;
    }
}

/// A client that cannot be told that a token was refused.
struct Google(google_cloud_auth::credentials::Credentials);

impl Tokens for Google {
    async fn header(&self) -> HeaderValue {
        google::header(&self.0).await
    }

    async fn refused(&self, _header: &HeaderValue) {}
}

async fn azure_client(issuer: &Issuer, api: &Revocable) -> Client {
    let policy = Arc::new(azure::policy(issuer.clone()));
    let transport: Arc<dyn Policy> = Arc::new(Transport(api.clone()));
    // A request to this client itself gets the first token, which is valid.
    let client: Client = Arc::new(move |id| {
        let (policy, transport) = (Arc::clone(&policy), Arc::clone(&transport));
        Box::pin(async move {
            let url = api::QUERY.parse().expect("a URL");
            let mut request = AzureRequest::new(url, Method::Post);
            request.insert_header("x-request-id", id.to_string());
            let answer = policy
                .send(&Context::new(), &mut request, &[transport])
                .await;
            let status = answer.map(|response| u16::from(response.status()));
            status
                .ok()
                .and_then(|it| StatusCode::from_u16(it).ok())
                .unwrap_or(StatusCode::BAD_GATEWAY)
        })
    });
    client(0).await;
    client
}

#[derive(Debug)]
struct Transport(Revocable);

#[async_trait]
impl Policy for Transport {
    async fn send(
        &self,
        _context: &Context,
        request: &mut AzureRequest,
        _next: &[Arc<dyn Policy>],
    ) -> azure_core::Result<AsyncRawResponse> {
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers().iter() {
            let name = http::HeaderName::try_from(name.as_str()).expect("a name");
            let value = HeaderValue::try_from(value.as_str()).expect("a value");
            headers.insert(name, value);
        }
        let status = self.0.answer(&headers).await.as_u16();
        let mut headers = Headers::new();
        headers.insert("www-authenticate", "Bearer error=\"invalid_token\"");
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, ""))
    }
}
