//! A login in a file: the refresh token of one person, kept from one run to the
//! next.

mod content;
mod error;
mod file;
mod operations;
mod stored_login;

pub use error::{LoginFileError, LoginFileErrorKind};
pub use file::LoginFile;
pub use stored_login::StoredLogin;
