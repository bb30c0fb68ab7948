//! Encrypts the tokens in a store, by XChaCha20-Poly1305 with a random nonce.

mod key;
mod key_ring;

pub use key::SealKey;
pub use key_ring::KeyRing;
