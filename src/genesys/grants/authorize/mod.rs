//! Where a login begins and ends: the page of the authorization server, and the
//! redirect back.

mod redirect;
mod secrets;
mod url;

pub use redirect::{LoginCode, LoginRedirectError, LoginRedirectErrorKind};
pub use secrets::{LoginState, PkceVerifier};
pub use url::AuthorizeUrl;
