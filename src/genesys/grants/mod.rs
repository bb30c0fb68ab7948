//! The grants of the Genesys Cloud token endpoint. Each is a
//! [`TokenSource`](crate::token::TokenSource) over your HTTP client.
//!
//! | grant | for | the OAuth client shows | renewed with | what to do when that fails |
//! |---|---|---|---|---|
//! | [`ClientCredentials`] | the client itself | id and secret | the same grant, any number of times | correct the client or its secret |
//! | [`RefreshToken`] | a person who logged in earlier | id and secret | the refresh token, which a response usually replaces | log in again |
//! | [`AuthorizationCode::new`] | a person who has just logged in | id and secret | the refresh token, if the response had one | log in again |
//! | [`AuthorizationCode::public`] | the same, for a program that cannot keep a secret (PKCE) | id and verifier | nothing | log in again |
//! | [`Saml2Bearer`] | a person whom the identity provider knows | id and secret | another assertion | get a valid one from the provider |
//!
//! "Log in again" is [`LoginRequired`]: send the person to [`AuthorizeUrl`],
//! and give the code (or a new refresh token) to the [`LoginHandle`] of the
//! source. Meanwhile, a token that is valid is still served.
//!
//! [`OrgBuilder::build_from_source`](crate::genesys::OrgBuilder::build_from_source)
//! builds an organisation from any of them, and
//! [`TokenCache`](crate::TokenCache) keeps its token valid.
//!
//! # Resent, or not
//!
//! If the outcome of a request with `client_credentials` or SAML2 is unknown,
//! the token cache may send it again. A code or refresh token is sent again
//! only if it is certainly unused: see
//! [`RefreshToken`](RefreshToken#sent-once).
//!
//! # Errors
//!
//! | [`TokenErrorKind`] | cause |
//! |---|---|
//! | [`Denied`] | `invalid_client` (or the wrong region), `unauthorized_client`, and other faults of the request |
//! | [`LoginRequired`] | `invalid_grant`, and a code or refresh token that is used up, or may be |
//! | [`Throttled`] | 429, and the 400 that says `rate limit exceeded` |
//! | [`Unavailable`] | 5xx, and responses that are not from the token endpoint |
//! | [`Transport`] | no connection, or one that broke |
//! | [`Malformed`] | a success without a token or longer than 64 KiB, a redirect, an encoding that was not requested |
//! | [`Credentials`] | the provider of credentials or assertions failed |
//! | [`NotPersisted`] | a new refresh token could not be stored |
//! | [`NotMarked`] | a refresh token could not be [marked](RefreshTokenStore::mark) as in use |
//! | [`Busy`] | another fetch has the refresh token, or the login was replaced meanwhile |
//!
//! For a 429 or 5xx, the status and `Retry-After` decide the kind and the
//! pause, even if the body cannot be read. If a code or refresh token may be
//! used up after a fault, the kind is [`LoginRequired`], and not
//! [`Unavailable`], [`Transport`] or [`Malformed`]. A `Retry-After` of zero, or
//! a date in the past, counts as not stated. A 200 with an `error` of RFC 6749
//! and no token counts as that error.
//!
//! An error repeats only the codes of RFC 6749 from a response's body, and
//! never a secret.
//!
//! [`TokenErrorKind`]: crate::token::TokenErrorKind
//! [`Denied`]: crate::token::TokenErrorKind::Denied
//! [`LoginRequired`]: crate::token::TokenErrorKind::LoginRequired
//! [`Throttled`]: crate::token::TokenErrorKind::Throttled
//! [`Unavailable`]: crate::token::TokenErrorKind::Unavailable
//! [`Transport`]: crate::token::TokenErrorKind::Transport
//! [`Malformed`]: crate::token::TokenErrorKind::Malformed
//! [`Credentials`]: crate::token::TokenErrorKind::Credentials
//! [`NotPersisted`]: crate::token::TokenErrorKind::NotPersisted
//! [`NotMarked`]: crate::token::TokenErrorKind::NotMarked
//! [`Busy`]: crate::token::TokenErrorKind::Busy

pub(super) mod authentication;
mod authorize;
mod client_credentials;
mod dialect;
mod endpoint;
mod failure;
mod login;
mod refresh_token;
mod revocation;
mod saml2_bearer;
mod wire;

pub use authorize::{
    AuthorizationCode, AuthorizeUrl, LoginCode, LoginRedirectError, LoginRedirectErrorKind,
    LoginState, PkceVerifier,
};
pub use client_credentials::ClientCredentials;
pub use dialect::{ClientAuthentication, Dialect};
pub use login::{IssuedRefreshToken, LoginHandle, RefreshTokenMark, RefreshTokenStore};
pub use refresh_token::RefreshToken;
pub use saml2_bearer::{AssertionProvider, Saml2Bearer};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::BoxError;

/// An HTTP client that can fetch tokens: any tower service for requests with
/// bodies `B` that is `Clone` and can be sent between threads.
///
/// Every such service implements it. [`Saml2Bearer`] has an
/// example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an HTTP client for request bodies `{B}`",
    note = "a client is a tower service for `http::Request<B>` that is `Clone` and `Send`",
    note = "wrap a `reqwest::Client` in `tower_genesys::reqwest::HttpService`"
)]
pub trait TokenClient<B>:
    Service<
        Request<B>,
        Response = Response<<Self as TokenClient<B>>::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// The body of the client's responses.
    type ResponseBody: Body<Data: Send, Error: Into<BoxError>> + Send;
}

impl<C, B, R> TokenClient<B> for C
where
    C: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Body<Data: Send, Error: Into<BoxError>> + Send,
{
    type ResponseBody = R;
}
