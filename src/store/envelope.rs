//! The form of a token in a store: sealed, or in plain text with a digest.
//!
//! A value is `tg`, the form, the version, and the content. What surrounds the
//! token in the store (its key, fence, fingerprint and lifetime) is part of the
//! seal or the digest, so a value that was copied or moved does not open.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

#[cfg(feature = "seal")]
use super::KeyRing;
use super::{Entry, Fence, StoreError, StoreErrorKind, StoreKey};
use crate::token::{AccessToken, Fingerprint, IssuedToken};

/// The first bytes of every value. Its form and the version of that form
/// follow.
const MAGIC: &[u8; 2] = b"tg";
/// The version of this form. Another one is not read.
const VERSION: u8 = 1;
/// The form of a value that a [`KeyRing`] seals.
#[cfg(feature = "seal")]
const SEALED: u8 = b's';
/// The form of a value in plain text.
const UNSEALED: u8 = b'u';
/// The length of the digest that reveals damage to an unsealed value.
const DIGEST: usize = 16;

/// The form of the tokens in a store.
#[derive(Clone)]
pub(super) enum Envelope {
    /// Encrypted with these keys.
    #[cfg(feature = "seal")]
    Sealed(KeyRing),
    /// In plain text.
    Unsealed,
}

/// The context of a token in the store, which a value is bound to.
pub(super) struct Around<'a> {
    pub(super) key: &'a StoreKey,
    pub(super) fence: Fence,
    pub(super) fingerprint: Fingerprint,
    pub(super) lifetime: Duration,
}

impl Around<'_> {
    /// Returns the context as bytes. Each field has a fixed length, so no two
    /// contexts have the same bytes.
    pub(super) fn to_bytes(&self, form: u8) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[form, VERSION]);
        bytes.extend_from_slice(self.key.as_bytes());
        bytes.extend_from_slice(&self.fence.get().to_be_bytes());
        bytes.extend_from_slice(self.fingerprint.as_bytes());
        bytes.extend_from_slice(&self.lifetime.as_millis().to_be_bytes());
        bytes
    }
}

impl Envelope {
    /// Returns the entry for this token, with `remaining` left of its lifetime.
    /// Durations are in whole milliseconds, which every store can keep.
    pub(super) fn close(
        &self,
        key: &StoreKey,
        fence: Fence,
        issued: &IssuedToken,
        remaining: Duration,
    ) -> Result<Entry, StoreError> {
        // Rounded first: the seal must match what the store gives back.
        let lifetime = whole_millis(issued.lifetime());
        let around = Around {
            key,
            fence,
            fingerprint: Fingerprint::of(issued.expose()),
            lifetime,
        };
        let token = issued.expose().as_bytes();
        let (form, content) = match self {
            #[cfg(feature = "seal")]
            Self::Sealed(ring) => (SEALED, ring.seal(token, &around.to_bytes(SEALED))?),
            Self::Unsealed => (UNSEALED, [&digest(token, &around)[..], token].concat()),
        };
        let mut value = BytesMut::with_capacity(4 + content.len());
        value.extend_from_slice(MAGIC);
        value.extend_from_slice(&[form, VERSION]);
        value.extend_from_slice(&content);
        let entry = Entry::new(fence, around.fingerprint, value, lifetime);
        Ok(entry.with_remaining(whole_millis(remaining).min(lifetime)))
    }

    /// Returns the token of this entry.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Incompatible`] for another form or version,
    /// [`StoreErrorKind::Corrupt`] for anything else that this process would
    /// not have written.
    pub(super) fn open(&self, key: &StoreKey, entry: &Entry) -> Result<IssuedToken, StoreError> {
        let content = self.content(&entry.value)?;
        let around = Around {
            key,
            fence: entry.fence,
            fingerprint: entry.fingerprint,
            lifetime: entry.lifetime,
        };
        let token = match self {
            #[cfg(feature = "seal")]
            Self::Sealed(ring) => ring.open(&content, &around.to_bytes(SEALED))?,
            Self::Unsealed => unsealed(&content, &around)?,
        };
        let token = String::from_utf8(token).map_err(|_| StoreError::damaged())?;
        // The fingerprint identifies a refused token, so a wrong one would hide
        // it. A token that no header can carry would fail every request of the
        // process.
        if Fingerprint::of(&token) != entry.fingerprint || !AccessToken::is_sendable(&token) {
            return Err(StoreError::damaged());
        }
        Ok(IssuedToken::new(token, entry.lifetime).with_remaining(entry.remaining))
    }

    /// Returns the byte of this form.
    const fn form(&self) -> u8 {
        match self {
            #[cfg(feature = "seal")]
            Self::Sealed(_) => SEALED,
            Self::Unsealed => UNSEALED,
        }
    }

    /// Returns the content after the first four bytes, which must be those that
    /// this process writes.
    ///
    /// Otherwise anyone who can write to the store could replace a sealed token
    /// by an unsealed one.
    fn content(&self, value: &Bytes) -> Result<Bytes, StoreError> {
        let Some((head, _)) = value.split_at_checked(4) else {
            return Err(StoreError::damaged());
        };
        if head[..2] != MAGIC[..] {
            return Err(StoreError::damaged());
        }
        // From here on another process of this crate wrote the value, so its
        // settings or its version are the cause.
        if head[2] != self.form() {
            return Err(incompatible(
                "the token in the store is sealed, but this process does not seal, or the other way round; set the \
                 same form in all processes",
            ));
        }
        if head[3] != VERSION {
            return Err(incompatible(
                "the token in the store has the format of another version; leave it, the next publication replaces \
                 it",
            ));
        }
        Ok(value.slice(4..))
    }
}

/// Shows only the form.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "seal")]
            Self::Sealed(ring) => f.debug_tuple("Sealed").field(ring).finish(),
            Self::Unsealed => f.write_str("Unsealed"),
        }
    }
}

fn incompatible(message: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Incompatible, message)
}

/// Returns the token in plain text, if its digest is right.
fn unsealed(content: &[u8], around: &Around<'_>) -> Result<Vec<u8>, StoreError> {
    match content.split_at_checked(DIGEST) {
        Some((found, token)) if found == digest(token, around) => Ok(token.to_vec()),
        _ => Err(StoreError::damaged()),
    }
}

/// Returns a digest against damage and mistakes. It stops no attacker: only a
/// seal does.
fn digest(token: &[u8], around: &Around<'_>) -> [u8; DIGEST] {
    let mut whole = Sha256::new();
    whole.update(around.to_bytes(UNSEALED));
    whole.update(token);
    let mut first = [0; DIGEST];
    first.copy_from_slice(&whole.finalize()[..DIGEST]);
    first
}

/// Returns whole milliseconds, rounded down: what every store can keep.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
