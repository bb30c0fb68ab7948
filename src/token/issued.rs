use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::lifetime;

/// A token as a [`TokenSource`](super::TokenSource) returns it.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::token::IssuedToken;
///
/// // A vault issued this token for an hour, twenty minutes ago.
/// let minute = Duration::from_secs(60);
/// let token = IssuedToken::new("s3cr3t", 60 * minute)
///     .with_remaining(40 * minute)
///     .with_check_in(10 * minute); // the vault may have a newer one then
/// assert_eq!(token.lifetime(), 60 * minute);
/// assert_eq!(token.remaining(), 40 * minute);
/// assert_eq!(token.check_in(), Some(10 * minute));
/// assert!(!format!("{token:?}").contains(token.expose()));
/// ```
#[derive(Clone, Debug)]
pub struct IssuedToken {
    secret: SecretString,
    /// The full lifetime, counted from the issue.
    lifetime: Duration,
    /// The remaining lifetime at the send of the token request.
    remaining: Duration,
    /// The time until the source wants a check.
    check_in: Option<Duration>,
}

/// A digest of a token: two processes compare it to see whether they have the
/// same token, without showing the token.
///
/// It is the first 128 bits of the token's SHA-256. A token is long and random,
/// so the digest does not reveal it.
///
/// ```
/// use tower_genesys::token::Fingerprint;
///
/// assert_eq!(Fingerprint::of("s3cr3t"), Fingerprint::of("s3cr3t"));
/// assert_ne!(Fingerprint::of("s3cr3t"), Fingerprint::of("another"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl IssuedToken {
    /// Creates a token that the service issued now, and that expires after
    /// `lifetime`.
    pub fn new(secret: impl Into<SecretString>, lifetime: Duration) -> Self {
        Self {
            secret: secret.into(),
            lifetime,
            remaining: lifetime,
            check_in: None,
        }
    }

    /// Sets the remaining lifetime, for a token that was issued earlier. Capped
    /// at the full lifetime.
    #[must_use]
    pub fn with_remaining(mut self, remaining: Duration) -> Self {
        self.remaining = remaining.min(self.lifetime);
        self
    }

    /// Makes the cache fetch again after this time, although the token is still
    /// valid: in the background, with [`Reason::Check`](super::Reason::Check), at the next use of the
    /// token. Default: the cache fetches when the token is due.
    ///
    /// A value below a second counts as a second. The source may return the
    /// same token again, with another check time; it keeps its generation.
    #[must_use]
    pub fn with_check_in(mut self, wait: Duration) -> Self {
        self.check_in = Some(wait);
        self
    }

    /// Returns the full lifetime of the token, counted from its issue.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns the remaining lifetime at the send of the token request.
    pub fn remaining(&self) -> Duration {
        self.remaining
    }

    /// Returns the time until the check that the source asked for.
    pub fn check_in(&self) -> Option<Duration> {
        self.check_in
    }

    /// Returns the token itself.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Returns the lifetime and the remaining lifetime, within the
    /// [plausible](lifetime) bounds.
    pub(super) fn bounds(&self) -> (Duration, Duration) {
        lifetime::bounded(self.lifetime, self.remaining)
    }

    /// Limits the lifetime to one that the cache and every store can represent.
    pub(crate) fn within_bounds(mut self) -> Self {
        (self.lifetime, self.remaining) = self.bounds();
        self
    }
}

impl Fingerprint {
    /// Computes the fingerprint of a token.
    pub fn of(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Self(first)
    }

    /// Restores a fingerprint from [`as_bytes`](Self::as_bytes), for stores
    /// that save it with the token.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:032x})", u128::from_be_bytes(self.0))
    }
}
