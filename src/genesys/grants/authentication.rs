//! How the client authenticates in a token request: with id and secret, or with
//! its id only.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use form_urlencoded::byte_serialize;
use http::HeaderValue;

use super::{
    dialect::{ClientAuthentication, Form},
    failure::Failure,
};
use crate::{
    BoxError,
    genesys::{Credentials, CredentialsProvider},
    token::{TokenError, TokenErrorKind},
};

/// How a source gets the identity of its client.
#[derive(Debug)]
pub(super) enum Authentication<P> {
    /// From a provider of id and secret, which is asked at each fetch.
    Secret(P),
    /// The id only: the program runs where it cannot keep a secret.
    Public(Box<str>),
}

/// The identity of the client in one request.
pub(super) enum Identity<'a> {
    Secret(Credentials),
    Public(&'a str),
}

impl<P: CredentialsProvider> Authentication<P> {
    /// Returns the identity for one request.
    pub(super) async fn identity(&self) -> Result<Identity<'_>, TokenError> {
        match self {
            Self::Secret(provider) => read(provider).await.map(Identity::Secret),
            Self::Public(id) => Ok(Identity::Public(id)),
        }
    }
}

impl Identity<'_> {
    /// Returns the form parameters of a client without a secret, or of one that
    /// sends it in the form.
    pub(super) fn parameters(&self, way: ClientAuthentication) -> Form<'_> {
        match self {
            Self::Secret(credentials) if way == ClientAuthentication::Post => vec![
                ("client_id", credentials.id()),
                ("client_secret", credentials.secret()),
            ],
            Self::Secret(_) => Vec::new(),
            Self::Public(id) => vec![("client_id", id)],
        }
    }

    /// Adds a hint to the error of a refused client whose id or secret is
    /// quoted. Quotation marks may be part of a secret, so they are not an
    /// error before the server has refused them.
    pub(super) fn explain(&self, failure: Failure, error: TokenError) -> TokenError {
        match self {
            Self::Secret(credentials)
                if failure == Failure::Denied("invalid_client") && credentials.is_quoted() =>
            {
                error.with_hint(
                    "the client id or the secret stands in quotation marks, which count as part of it: \
                     take them away if they came from a file of variables (docker's `--env-file` keeps \
                     them)",
                )
            }
            _ => error,
        }
    }

    /// Returns the value of `Authorization`, if the client authenticates by it.
    pub(super) fn header(&self, way: ClientAuthentication) -> Option<HeaderValue> {
        let Self::Secret(credentials) = self else {
            return None;
        };
        let (id, secret) = (credentials.id(), credentials.secret());
        let encoded = |text: &str| -> String { byte_serialize(text.as_bytes()).collect() };
        let pair = match way {
            ClientAuthentication::Basic => format!("{id}:{secret}"),
            ClientAuthentication::FormEncodedBasic => {
                format!("{}:{}", encoded(id), encoded(secret))
            }
            ClientAuthentication::Post => return None,
        };
        let basic = Bytes::from(format!("Basic {}", BASE64_STANDARD.encode(pair)));
        // Base 64 has only characters that a header can hold.
        let mut basic = HeaderValue::from_maybe_shared(basic).ok()?;
        basic.set_sensitive(true);
        Some(basic)
    }
}

/// Asks a provider for id and secret.
pub(in crate::genesys) async fn read(
    provider: &impl CredentialsProvider,
) -> Result<Credentials, TokenError> {
    provider.credentials().await.map_err(no_credentials)
}

fn no_credentials(error: BoxError) -> TokenError {
    let message = "the client's id and secret could not be read; see the cause";
    TokenError::new(TokenErrorKind::Credentials, message).with_source(error)
}
