use std::fmt;

use sha2::{Digest, Sha256};

/// Under what a token is shared: a digest of the login host, the client's id, the grant and what
/// else decides which token comes back.
///
/// Each field goes in with its length before it, so that no two configurations collide. The
/// client's secret is no part of it: a rotated secret gets tokens of the same client.
///
/// ```
/// use tower_genesys::store::StoreKey;
///
/// let key = StoreKey::new("login.mypurecloud.ie", "my-client-id", "client_credentials");
/// assert_eq!(key.to_string().len(), 64);
/// assert_ne!(key, key.with_parameter("namespace", "staging"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreKey([u8; 32]);

impl StoreKey {
    /// The key of this client's tokens.
    pub fn new(login_host: &str, client_id: &str, grant: &str) -> Self {
        let mut digest = Sha256::new();
        for field in ["tower-genesys", login_host, client_id, grant] {
            feed(&mut digest, field);
        }
        Self(digest.finalize().into())
    }

    /// The key of the tokens that this is asked with too, such as a form parameter. The order
    /// counts.
    ///
    /// Not for a secret that could be guessed: who knows all the rest could try.
    #[must_use]
    pub fn with_parameter(self, name: &str, value: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.0);
        feed(&mut digest, name);
        feed(&mut digest, value);
        Self(digest.finalize().into())
    }

    /// The key of these 32 bytes, as [`as_bytes`](Self::as_bytes) gave them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn feed(digest: &mut Sha256, field: &str) {
    digest.update((field.len() as u64).to_be_bytes());
    digest.update(field);
}

/// In hexadecimal digits.
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
