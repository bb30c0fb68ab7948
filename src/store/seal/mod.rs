//! Encrypts the tokens in a store, by XChaCha20-Poly1305 with a random nonce.

mod key;

use std::{env, ffi::OsString, fs::File, io::Read, path::Path, sync::Arc};

use chacha20poly1305::{
    XNonce,
    aead::{Aead, Payload},
};
use secrecy::zeroize::Zeroizing;

use crate::{
    config_error::{ConfigError, ConfigErrorKind},
    store::{StoreError, StoreErrorKind},
};
pub use key::SealKey;

/// The length of a nonce of XChaCha20. Long enough to be random for each value.
const NONCE: usize = 24;
/// In bytes. A key has about fifty, so a longer file is the wrong one.
const LONGEST_FILE: u64 = 16 * 1024;
/// The variable that [`KeyRing::from_env`] reads.
const VARIABLE: &str = "GENESYS_STORE_KEYS";

/// The keys that encrypt ("seal") the tokens in a store or in a login file. The
/// first key seals. To decrypt ("open") a token, the ring uses the key with
/// which it was sealed.
///
/// To replace a key, deploy three rings in turn: `old,new`, then `new,old`,
/// then `new`. The [module](crate::store#key-rotation) says how long to wait in
/// between.
///
/// `Debug` shows only the ids.
///
/// ```
/// use tower_genesys::{genesys::ConfigErrorKind, store::KeyRing};
///
/// let text = "2025-07:3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";
/// let ring = KeyRing::parse(text)?;
/// assert_eq!(format!("{ring:?}"), r#"KeyRing(["2025-07"])"#);
/// let error = KeyRing::parse("2025-07:c2hvcnQ=").unwrap_err();
/// assert_eq!(error.kind(), ConfigErrorKind::InvalidKey);
/// # Ok::<(), tower_genesys::genesys::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    /// At least one, each with another id. The first one seals.
    keys: Arc<[SealKey]>,
}

impl KeyRing {
    /// Creates a ring of these keys, of which the first one seals.
    ///
    /// ```
    /// use tower_genesys::genesys::ConfigErrorKind;
    /// use tower_genesys::store::{KeyRing, SealKey};
    ///
    /// let new = SealKey::from_bytes("2025-08", &[8; 32])?;
    /// let old = SealKey::from_bytes("2025-07", &[7; 32])?;
    /// let ring = KeyRing::new([new, old])?; // "2025-08" seals
    /// assert_eq!(format!("{ring:?}"), r#"KeyRing(["2025-08", "2025-07"])"#);
    /// let error = KeyRing::new([]).unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::NoKey);
    /// # Ok::<(), tower_genesys::genesys::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::NoKey`] if there is no key, and
    /// [`ConfigErrorKind::DuplicateKey`] if two keys have the same id.
    pub fn new(keys: impl IntoIterator<Item = SealKey>) -> Result<Self, ConfigError> {
        let keys: Arc<[SealKey]> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(ConfigError::new(
                ConfigErrorKind::NoKey,
                "there is no sealing key; give one as `id:key`, with a key from `openssl rand -base64 32`",
            ));
        }
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|other| other.id() == key.id()) {
                let message = format!(
                    "two sealing keys have the id `{}`; give each its own, or leave one out",
                    key.id()
                );
                return Err(ConfigError::new(ConfigErrorKind::DuplicateKey, message));
            }
        }
        Ok(Self { keys })
    }

    /// Parses a ring. The text has one key per line, or keys separated by
    /// commas, each in the form `id:key` of [`SealKey::parse`].
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new) and [`SealKey::parse`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let keys = text.split([',', '\n']).map(str::trim);
        let keys = keys.filter(|key| !key.is_empty()).map(SealKey::parse);
        Self::new(keys.collect::<Result<Vec<_>, _>>()?)
    }

    /// Reads the ring from the environment variable `GENESYS_STORE_KEYS`, in
    /// the form of [`parse`](Self::parse). A later change of the variable has
    /// no effect on the ring.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Variable`] if the variable is not set or not
    /// Unicode, and the errors of [`parse`](Self::parse).
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variable(VARIABLE)
    }

    /// Reads the ring from the environment variable of this name, as
    /// [`from_env`](Self::from_env) does from `GENESYS_STORE_KEYS`.
    ///
    /// ```
    /// use tower_genesys::{genesys::ConfigErrorKind, store::KeyRing};
    ///
    /// let error = KeyRing::from_variable("NO_SUCH_KEYS").unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::Variable);
    /// assert!(error.to_string().contains("NO_SUCH_KEYS is not set"));
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env).
    pub fn from_variable(name: &str) -> Result<Self, ConfigError> {
        Self::from_value(name, env::var_os(name))
    }

    /// Parses the value of this variable.
    fn from_value(name: &str, value: Option<OsString>) -> Result<Self, ConfigError> {
        let wrong = |what| {
            let message = format!("the environment variable {name} {what}");
            ConfigError::new(ConfigErrorKind::Variable, message)
        };
        let value =
            value.ok_or_else(|| wrong("is not set; put the sealing keys there, as `id:key`"))?;
        let value = value
            .into_string()
            .map_err(|_| wrong("is not valid text; put the sealing keys there, as `id:key`"))?;
        // Erased after it was parsed; the copy of the environment stays.
        let value = Zeroizing::new(value);
        Self::parse(&value)
            .map_err(|error| within(&format!("the environment variable {name}"), &error))
    }

    /// Reads the ring from a file of at most 16 KiB, in the form of
    /// [`parse`](Self::parse). Use it for a secret that is mounted into a
    /// container. A later change of the file has no effect on the ring.
    ///
    /// Blocks while it reads the file: call it at the start of the program.
    ///
    /// ```
    /// use tower_genesys::store::KeyRing;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("keys"); // `/run/secrets/keys`, say
    /// # let key = "2025-07:3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";
    /// # std::fs::write(&path, key)?;
    /// let ring = KeyRing::from_file(&path)?;
    /// assert_eq!(format!("{ring:?}"), r#"KeyRing(["2025-07"])"#);
    /// # Ok::<(), tower_genesys::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::File`] if the file is longer or cannot be read, and
    /// the errors of [`parse`](Self::parse). The message names the path, but
    /// nothing of the file's contents.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let name = format!("the file of sealing keys {}", path.display());
        let mut text = Zeroizing::new(String::new());
        let read =
            File::open(path).and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text));
        if let Err(error) = read {
            let message = format!("{name} cannot be read; check its path and permissions");
            return Err(ConfigError::new(ConfigErrorKind::File, message).with_source(error));
        }
        if text.len() as u64 > LONGEST_FILE {
            let message = format!(
                "{name} has more than {LONGEST_FILE} bytes; name a file that contains only keys"
            );
            return Err(ConfigError::new(ConfigErrorKind::File, message));
        }
        Self::parse(&text).map_err(|error| within(&name, &error))
    }

    /// Seals a token with the first key. Returns the key's id, a nonce and the
    /// ciphertext, which also authenticates `around`.
    pub(crate) fn seal(&self, token: &[u8], around: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = &self.keys[0];
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(StoreError::no_randomness)?;
        let aad = with_id(around, key.id());
        let payload = Payload {
            msg: token,
            aad: &aad,
        };
        let sealed = { key.cipher().encrypt(&XNonce::from(nonce), payload) };
        let sealed = sealed.map_err(|_| {
            StoreError::new(StoreErrorKind::Unavailable, "the token could not be sealed")
        })?;
        let id = key.id().as_bytes();
        // Never above 64, as `SealKey` checks.
        let id_length = [u8::try_from(id.len()).unwrap_or(u8::MAX)];
        Ok([&id_length[..], id, &nonce, &sealed].concat())
    }

    /// Opens a value that [`seal`](Self::seal) returned.
    pub(crate) fn open(&self, content: &[u8], around: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (id_length, rest) = content.split_first().ok_or_else(StoreError::damaged)?;
        let (id, rest) = rest
            .split_at_checked((*id_length).into())
            .ok_or_else(StoreError::damaged)?;
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE>()
            .ok_or_else(StoreError::damaged)?;
        // An unknown id says more than a failed decryption: which key to add.
        let Some(key) = self.keys.iter().find(|key| key.id().as_bytes() == id) else {
            return Err(StoreError::new(
                StoreErrorKind::Corrupt,
                "the token in the store is sealed with a key that is not on the ring; add that key after the one \
                 that seals",
            ));
        };
        let aad = with_id(around, key.id());
        let payload = Payload {
            msg: sealed,
            aad: &aad,
        };
        { key.cipher().decrypt(&XNonce::from(*nonce), payload) }.map_err(|_| StoreError::damaged())
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(SealKey::id).collect();
        f.debug_tuple("KeyRing").field(&ids).finish()
    }
}

/// Returns the associated data. `around` has a fixed length, so no byte can
/// move from it into the id.
fn with_id(around: &[u8], id: &str) -> Vec<u8> {
    [around, id.as_bytes()].concat()
}

/// Returns the error of a ring, with the setting that contains it.
fn within(setting: &str, error: &ConfigError) -> ConfigError {
    ConfigError::new(error.kind(), format!("{setting}: {error}"))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn key(id: &str, bytes: &[u8]) -> String {
        format!("{id}:{}", STANDARD.encode(bytes))
    }

    #[test]
    fn rings_that_cannot_work_are_typed_errors_that_show_no_key() {
        use ConfigErrorKind as Kind;
        let good = key("a", &[b'M'; 32]);
        let mark = STANDARD.encode([b'M'; 12]);
        for (text, kind) in [
            (String::new(), Kind::NoKey),
            (" ,\n,".to_owned(), Kind::NoKey),
            (key("a", &[b'M'; 31]), Kind::InvalidKey),
            (key("a", &[b'M'; 33]), Kind::InvalidKey),
            (key("", &[b'M'; 32]), Kind::InvalidKey),
            (key("a b", &[b'M'; 32]), Kind::InvalidKey),
            (key(&"a".repeat(65), &[b'M'; 32]), Kind::InvalidKey),
            (STANDARD.encode([b'M'; 32]), Kind::InvalidKey),
            (format!("a:{mark}!!"), Kind::InvalidKey),
            (format!("{good},{good}"), Kind::DuplicateKey),
        ] {
            let errors = [
                KeyRing::parse(&text).unwrap_err(),
                KeyRing::from_value("THE_KEYS", Some(text.clone().into())).unwrap_err(),
            ];
            for error in &errors {
                assert_eq!(error.kind(), kind, "{error}");
                assert!(
                    !format!("{error} {error:?}").contains(&mark[..8]),
                    "{error}"
                );
            }
            assert!(errors[1].to_string().contains("THE_KEYS"));
        }
        let error = KeyRing::from_value("THE_KEYS", None).unwrap_err();
        assert_eq!(error.kind(), Kind::Variable);
        assert!(error.to_string().contains("THE_KEYS is not set"));
        let error = KeyRing::from_file("/no/such/file").unwrap_err();
        assert_eq!(error.kind(), Kind::File);
        assert!(error.to_string().contains("/no/such/file"));
    }

    #[test]
    fn a_file_may_have_a_key_a_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("{}\r\n{}\n", key("new", &[1; 32]), key("old", &[2; 32]));
        std::fs::write(file.path(), text).unwrap();
        let ring = KeyRing::from_file(file.path()).unwrap();
        assert_eq!(format!("{ring:?}"), r#"KeyRing(["new", "old"])"#);

        std::fs::write(file.path(), "a:TU1N".to_owned() + &"M".repeat(17_000)).unwrap();
        let error = KeyRing::from_file(file.path()).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::File);
        std::fs::write(file.path(), key("a", b"MMMMMMMMM")).unwrap();
        let error = KeyRing::from_file(file.path()).unwrap_err();
        assert!(error.to_string().contains(&*file.path().to_string_lossy()));
        assert!(!error.to_string().contains("TU1N"));
    }
}
