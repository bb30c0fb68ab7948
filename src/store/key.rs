//! The key under which a store keeps a token.

use std::fmt;

use sha2::{Digest, Sha256};

/// The key under which a token is shared: a digest of the login host, the
/// client's id, the grant, and every other parameter that decides which token
/// the endpoint returns.
///
/// The digest includes the length of each field, so that no two configurations
/// collide. It omits the client's secret: after a rotation, the new secret gets
/// tokens of the same client.
///
/// A [`SlotBook`](super::book::SlotBook) keeps the limit of a client under such
/// a key, too.
///
/// ```
/// use tower_genesys::store::StoreKey;
///
/// let host = "login.mypurecloud.ie";
/// let key = StoreKey::new(host, "my-client-id", "client_credentials");
/// assert_eq!(key.to_string().len(), 64);
/// assert_ne!(key, key.with_parameter("namespace", "staging"));
/// assert_eq!(StoreKey::from_bytes(*key.as_bytes()), key);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// Returns the key of this client's tokens.
    pub fn new(login_host: &str, client_id: &str, grant: &str) -> Self {
        let mut digest = Sha256::new();
        for field in ["tower-genesys", login_host, client_id, grant] {
            feed(&mut digest, field);
        }
        Self(digest.finalize().into())
    }

    /// Adds a parameter of the token request, such as a form field. The order
    /// of parameters matters.
    ///
    /// Never add a secret that can be guessed: an attacker who knows the other
    /// fields could test guesses against the digest.
    #[must_use]
    pub fn with_parameter(self, name: &str, value: &str) -> Self {
        let mut digest = Sha256::new();
        // The key so far has a fixed length, so it needs none.
        digest.update(self.0);
        feed(&mut digest, name);
        feed(&mut digest, value);
        Self(digest.finalize().into())
    }

    /// Restores a key from the bytes of [`as_bytes`](Self::as_bytes).
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Adds a field and its length to the digest.
fn feed(digest: &mut Sha256, field: &str) {
    digest.update((field.len() as u64).to_be_bytes());
    digest.update(field);
}

/// Writes the key as 64 hexadecimal digits.
impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({self})")
    }
}
