//! A key that seals tokens.

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use secrecy::zeroize::Zeroize;

use crate::config_error::{ConfigError, ConfigErrorKind};

/// The number of bytes of a key, for error messages. The cipher checks it.
const LENGTH: usize = 32;
/// The id precedes every value, with its length in one byte.
const LONGEST_ID: usize = 64;

/// Standard base64, with or without padding: tools differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key of a [`KeyRing`](super::KeyRing): 32 random bytes, and an id of your
/// choice.
///
/// A sealed token contains the id of its key, by which a process finds the key
/// on its ring. `openssl rand -base64 32` generates the bytes. `Debug` shows
/// only the id.
///
/// ```
/// use tower_genesys::store::SealKey;
///
/// let text = "2025-07:3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";
/// assert_eq!(SealKey::parse(text)?.id(), "2025-07");
/// # Ok::<(), tower_genesys::genesys::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SealKey {
    id: Box<str>,
    cipher: XChaCha20Poly1305,
}

impl SealKey {
    /// Creates a key from its id and its 32 bytes.
    ///
    /// ```
    /// use tower_genesys::{genesys::ConfigErrorKind, store::SealKey};
    ///
    /// let bytes = [7; 32]; // from a key management service, say
    /// assert_eq!(SealKey::from_bytes("2025-07", &bytes)?.id(), "2025-07");
    /// let error = SealKey::from_bytes("2025-07", &bytes[..31]).unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::InvalidKey);
    /// # Ok::<(), tower_genesys::genesys::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::InvalidKey`] unless there are exactly 32 bytes and
    /// the id has 1 to 64 characters: ASCII letters, digits, `-`, `_` and `.`.
    pub fn from_bytes(id: &str, bytes: &[u8]) -> Result<Self, ConfigError> {
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_for_ids) {
            return Err(invalid(
                "the id of a sealing key must have 1 to 64 letters, digits, `-`, `_` or `.`; write `id:key`, with \
                 an id of your choice, such as the month",
            ));
        }
        match XChaCha20Poly1305::new_from_slice(bytes) {
            Ok(cipher) => Ok(Self {
                id: id.into(),
                cipher,
            }),
            Err(_) => Err(invalid(format!(
                "the sealing key `{id}` has {} bytes instead of {LENGTH}; `openssl rand -base64 32` generates one",
                bytes.len()
            ))),
        }
    }

    /// Parses a key in the form `id:key`: the id, a colon, and the 32 bytes in
    /// base64, with or without padding.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::InvalidKey`] if the text has no colon, if the rest is
    /// not base64, or for the reasons of [`from_bytes`](Self::from_bytes).
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let Some((id, encoded)) = text.trim().split_once(':') else {
            return Err(invalid("a sealing key has no id; write `id:key`"));
        };
        let Ok(mut bytes) = BASE64.decode(encoded.trim()) else {
            return Err(invalid(
                "a sealing key is not base64 after its id; write `id:key`, with a key from `openssl rand -base64 32`",
            ));
        };
        // The cipher keeps its own copy, so this one is erased in either case.
        let key = Self::from_bytes(id, &bytes);
        bytes.zeroize();
        key
    }

    /// Returns the id, which every token sealed with this key contains.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn cipher(&self) -> &XChaCha20Poly1305 {
        &self.cipher
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Returns whether an id may contain this character: those that need no quotes
/// in a variable or a file of settings, and neither `:` nor `,`.
fn is_for_ids(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> ConfigError {
    ConfigError::new(ConfigErrorKind::InvalidKey, message)
}
