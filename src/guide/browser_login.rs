//! A login by the browser, for a command-line program: PKCE, a listener on
//! 127.0.0.1, and a file that keeps the login until the next run.
//!
//! - [`LoginFile`](crate::genesys::login_file::LoginFile) keeps the refresh
//!   token, with mode 0600. The next run renews with it, without a browser.
//! - The listener takes the redirect on a port of 127.0.0.1, which no other
//!   machine reaches (RFC 8252, section 7.3). Genesys Cloud compares redirect
//!   URIs exactly, so choose one port, and add `http://127.0.0.1:PORT/callback`
//!   to the OAuth client.
//! - [`LoginCode::from_redirect`](crate::genesys::grants::LoginCode::from_redirect)
//!   checks the [`state`](crate::genesys::grants::LoginState). Any page in the
//!   browser can send a redirect to the listener; one with another state is an
//!   error of the kind
//!   [`State`](crate::genesys::grants::LoginRedirectErrorKind::State), and the
//!   listener keeps waiting.
//! - [`PkceVerifier`](crate::genesys::grants::PkceVerifier) makes a stolen code
//!   useless: only this process has the verifier.
//! - The OAuth client needs a secret, because Genesys Cloud gives refresh
//!   tokens to clients with a secret only. Without one,
//!   [`AuthorizationCode::public`](crate::genesys::grants::AuthorizationCode::public)
//!   logs in until the token expires.
//! - To keep the refresh token unreadable in backups, use `LoginFile::sealed`,
//!   with the key in the [keyring of the system](crate::guide::recipes).
//!
//! `cargo run --all-features --example browser_login` runs the program twice,
//! against a mock.
//!
//! ```no_run
//! mod callback {
#![doc = include_str!("../../examples/browser_login/callback.rs")]
//! }
//!
//! mod login {
#![doc = include_str!("../../examples/browser_login/login.rs")]
//! }
//! # fn main() {}
//! ```
