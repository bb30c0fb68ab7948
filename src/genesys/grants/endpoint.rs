//! Token requests: builds them, sends them through the user's client, and says
//! what became of a grant that can be used once.

use std::{future::poll_fn, marker::PhantomData, sync::Mutex, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use secrecy::SecretString;

use super::{
    TokenClient,
    authentication::Identity,
    dialect::{Dialect, Form, Parameters},
    failure::{Failure, LONGEST_ANSWER, unreachable},
    wire::{self, Issued},
};
use crate::{
    BoxError,
    call::Refused,
    genesys::{
        Region,
        answer::{self, Bounds, Unread},
    },
    lock::lock,
    retry::{BoxErrorClassifier, Class},
    store::StoreKey,
    token::TokenError,
};

/// The time for a body whose head has decided. The body may add a code, and
/// reading it to its end keeps the connection usable.
const DETAIL_TIME: Duration = Duration::from_millis(250);
/// The time for the body of a 400, which tells its kind. Such a body is as
/// short as a token, and arrives with the head.
const REFUSAL_TIME: Duration = Duration::from_secs(2);
/// The time for the body of a token. It never limits: the deadline of the fetch
/// is shorter.
const TOKEN_TIME: Duration = Duration::from_secs(60 * 60);

/// The token endpoint of a region, reached through an HTTP client.
pub(super) struct Endpoint<C, B> {
    region: Region,
    parameters: Parameters,
    pub(super) dialect: Dialect,
    // A source must be `Sync`, and a client need only be `Clone` and `Send`.
    client: Mutex<C>,
    body: PhantomData<fn(B)>,
}

/// A request that returned no token.
pub(super) struct Failed {
    pub(super) error: TokenError,
    pub(super) fate: Fate,
}

/// What became of the grant in a request that failed. It matters for grants
/// that can be used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Certainly not used: the request was not sent, or the server answered
    /// without looking at the grant.
    Unspent,
    /// The token endpoint refused it.
    Refused,
    /// The request was sent, and no answer arrived, or one without a token.
    Unknown,
}

impl<C, B> Endpoint<C, B> {
    pub(super) fn new(region: Region, client: C) -> Self {
        Self {
            region,
            parameters: Parameters::default(),
            dialect: Dialect::new(),
            client: Mutex::new(client),
            body: PhantomData,
        }
    }

    pub(super) fn add_parameter(&mut self, name: String, value: SecretString) {
        self.parameters.add(name, value);
    }

    pub(super) fn login_host(&self) -> &str {
        self.region.login_host()
    }

    pub(super) const fn region(&self) -> &Region {
        &self.region
    }

    /// Returns the key under which processes share the tokens of this client
    /// and grant. It covers everything that decides which token comes back,
    /// also a gateway's path, and the values of form parameters as a digest.
    pub(super) fn store_key(&self, client_id: &str, grant: &str) -> StoreKey {
        let url = self.region.token_url().to_string();
        let key =
            StoreKey::new(self.login_host(), client_id, grant).with_parameter("token_url", &url);
        let parameters = self.parameters.sorted().into_iter();
        parameters.fold(key, |key, (name, value)| {
            key.with_parameter("parameter", name)
                .with_parameter("value", value)
        })
    }

    /// Sends a form for a grant that may be repeated, and reads the token from
    /// the answer.
    pub(super) async fn post(
        &self,
        identity: &Identity<'_>,
        grant: Form<'_>,
    ) -> Result<Issued, TokenError>
    where
        C: TokenClient<B>,
        B: From<Full<Bytes>>,
    {
        let client = self.ready().await?;
        let sent = self.send(client, identity, grant).await;
        sent.map_err(|failed| failed.error)
    }

    /// Returns a client that can send immediately. Sends nothing yet.
    pub(super) async fn ready(&self) -> Result<C, TokenError>
    where
        C: TokenClient<B>,
    {
        let mut client = lock(&self.client).clone();
        match poll_fn(|cx| client.poll_ready(cx)).await {
            Ok(()) => Ok(client),
            Err(error) => Err(unreachable(&self.region, error.into())),
        }
    }

    /// Sends a form through a client that is ready.
    pub(super) async fn send(
        &self,
        mut client: C,
        identity: &Identity<'_>,
        grant: Form<'_>,
    ) -> Result<Issued, Failed>
    where
        C: TokenClient<B>,
        B: From<Full<Bytes>>,
    {
        let host = self.login_host();
        let grant_type = grant.first().map_or("", |(_, value)| *value);
        let request = self.request(identity, grant.clone());
        let response = client
            .call(request)
            .await
            .map_err(|error| unanswered(&self.region, error.into()))?;
        let (head, body) = response.into_parts();
        let status = head.status;
        let failed = |failure: Failure| Failed {
            error: identity.explain(failure, failure.into_error(host, &head, grant_type)),
            fate: fate(failure, status),
        };
        match answer::read(&head.headers, body, bounds(status)).await {
            Ok(body) => wire::token(status, &body, &self.dialect).map_err(failed),
            Err(unread) => {
                let mut failed = failed(Failure::unread(status, &unread));
                if let Unread::BrokenOff(error) = unread {
                    failed.error = failed.error.with_source(error);
                }
                Err(failed)
            }
        }
    }

    /// Builds the POST of a form, with the client's identity in the form or in
    /// `Authorization`.
    fn request<'a>(&'a self, identity: &'a Identity<'_>, mut form: Form<'a>) -> Request<B>
    where
        B: From<Full<Bytes>>,
    {
        let way = self.dialect.client_authentication();
        form.extend(identity.parameters(way));
        let mut request = Request::new(B::from(Full::from(self.parameters.encode(form))));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.region.token_url();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form_type);
        // Nothing here decodes, and a token is too short for compression.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, self.dialect.user_agent().clone());
        headers.extend(identity.header(way).map(|basic| (AUTHORIZATION, basic)));
        request
    }
}

/// The time for a body follows from its use: a token needs all of it, a 400
/// needs it to tell what is wrong, and the head of any other answer has decided
/// already.
fn bounds(status: StatusCode) -> Bounds {
    let time = match status {
        status if status.is_success() => TOKEN_TIME,
        status if Failure::by_head(status, None).is_some() => DETAIL_TIME,
        _ => REFUSAL_TIME,
    };
    Bounds {
        bytes: LONGEST_ANSWER,
        time,
    }
}

/// Returns the fate of the grant after an answer without a token.
fn fate(failure: Failure, status: StatusCode) -> Fate {
    match failure {
        Failure::LoginRequired => Fate::Refused,
        // These are about the client, the request or the rate, not the grant.
        Failure::Denied(_) | Failure::Throttled(_) => Fate::Unspent,
        _ => fate_by(status),
    }
}

/// Returns the fate of the grant by the status alone.
///
/// A grant stays unused only if the server answered without looking at it. A
/// 500, 502, 504 or 408, or a gateway's own status, may come from a proxy that
/// lost track of a request that succeeded. To resend a used grant can revoke
/// every token of the login, which is worse than another login.
fn fate_by(status: StatusCode) -> Fate {
    match status {
        StatusCode::REQUEST_TIMEOUT => Fate::Unknown,
        StatusCode::SERVICE_UNAVAILABLE => Fate::Unspent,
        status if status.is_redirection() || status.is_client_error() => Fate::Unspent,
        _ => Fate::Unknown,
    }
}

/// Judges a request without an answer. Its grant counts as unspent only if the
/// error proves that the request did not reach the endpoint: a second use of a
/// grant can end the login.
fn unanswered(region: &Region, error: BoxError) -> Failed {
    let fate = match BoxErrorClassifier::new().class_of(&*error) {
        Class::NotSent | Class::Unprocessed => Fate::Unspent,
        // The client side refused it, which is final for the classifier.
        _ if Refused::find(&*error).is_some() => Fate::Unspent,
        _ => Fate::Unknown,
    };
    Failed {
        error: unreachable(region, error),
        fate,
    }
}
