//! Text that nobody can guess.

use std::io;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// 256 bits from the operating system, in 43 characters that any URL can hold.
pub(super) fn text() -> io::Result<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(encode(bytes).into())
}

pub(super) fn encode(bytes: [u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
