//! The ways to get a token from the Genesys Cloud token endpoint. Each is a
//! [`TokenSource`](crate::token::TokenSource) over an HTTP client of yours.
//!
//! | grant | for | client shows | renewed by | when that ends |
//! |---|---|---|---|---|
//! | [`ClientCredentials`] | the client itself | id and secret | itself, any number of times | correct the client or its secret |
//! | [`RefreshToken`] | somebody who logged in earlier | id and secret | the refresh token, which each answer replaces | log in again |
//! | [`AuthorizationCode::new`] | somebody who has just logged in | id and secret | the refresh token, if one came | log in again |
//! | [`AuthorizationCode::public`] | the same, where no secret can be kept (PKCE) | id and verifier | nothing | log in again |
//! | [`Saml2Bearer`] | somebody whom the identity provider knows | id and secret | another assertion | the provider has to give a good one |
//!
//! "Log in again" is [`LoginRequired`]: send the person to [`AuthorizeUrl`], and give what comes
//! back to the [`LoginHandle`] of the source. A token that is valid is served on meanwhile.
//!
//! [`OrgBuilder::build_from_source`](crate::genesys::OrgBuilder::build_from_source) makes an
//! organisation of any of them, [`TokenCache`](crate::TokenCache) keeps its token valid.
//!
//! # Sent again, or not
//!
//! `client_credentials` and SAML2 may be sent again when nobody knows what became of a request.
//! Codes and refresh tokens may not, and are not: see [`RefreshToken`](RefreshToken#sent-once).
//!
//! # Errors
//!
//! | [`TokenErrorKind`] | when |
//! |---|---|
//! | [`Denied`] | `invalid_client` (or the wrong region), `unauthorized_client`, and what else the request has wrong |
//! | [`LoginRequired`] | `invalid_grant`, and grants that are spent or may be |
//! | [`Throttled`] | 429, and the 400 that says `rate limit exceeded` |
//! | [`Unavailable`] | 5xx, and what else is no answer of the token endpoint |
//! | [`Transport`] | no connection, or one that broke |
//! | [`Malformed`] | a success that is no token or longer than 64 KiB, a redirect, an encoding that was not asked for |
//! | [`Credentials`] | the provider of credentials or assertions failed |
//! | [`NotPersisted`], [`NotMarked`], [`Busy`] | with refresh tokens only: not stored, not marked, in use |
//!
//! A 429 and a 5xx are what their heads say, with `Retry-After`, whatever becomes of their bodies. A
//! `Retry-After` of zero, or a date that is over, counts as not stated. A 200 with an `error` of
//! RFC 6749 and no token is what that error is.
//!
//! No byte of an answer's body is in any of them but a code of RFC 6749, and no secret.
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
mod authorization_code;
mod authorize_url;
mod client_credentials;
mod dialect;
mod endpoint;
mod failure;
mod form;
mod login;
mod login_code;
mod login_error;
mod login_handle;
mod login_redirect;
mod login_state;
mod marking;
mod one_time;
mod pkce;
mod random;
mod refresh_token;
mod revocation;
mod saml2_bearer;
mod store;
mod token_client;
mod wire;

pub use authorization_code::AuthorizationCode;
pub use authorize_url::AuthorizeUrl;
pub use client_credentials::ClientCredentials;
pub use dialect::{ClientAuthentication, Dialect};
pub use login_code::LoginCode;
pub use login_handle::LoginHandle;
pub use login_redirect::{LoginRedirectError, LoginRedirectErrorKind};
pub use login_state::LoginState;
pub use pkce::PkceVerifier;
pub use refresh_token::RefreshToken;
pub use saml2_bearer::{AssertionProvider, Saml2Bearer};
pub use store::{IssuedRefreshToken, RefreshTokenMark, RefreshTokenStore};
pub use token_client::TokenClient;
