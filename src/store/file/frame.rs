use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::store::StoreErrorKind;

const VERSION: &str = "1";

/// The first line of a file: its kind, its version, and a digest of the rest,
/// which reveals damage.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    holds: &'static str,
}

impl Frame {
    pub(crate) const fn new(holds: &'static str) -> Self {
        Self { holds }
    }

    /// Returns the bytes of the file.
    pub(crate) fn around(self, json: &str) -> Vec<u8> {
        let holds = self.holds;
        format!("tower-genesys {holds} {VERSION} {}\n{json}", digest(json)).into_bytes()
    }

    /// Returns the JSON of a file. The error says why it is unreadable.
    pub(crate) fn within(self, bytes: &[u8]) -> Result<&str, StoreErrorKind> {
        let text = std::str::from_utf8(bytes).map_err(|_| StoreErrorKind::Corrupt)?;
        let (head, json) = text.split_once('\n').ok_or(StoreErrorKind::Corrupt)?;
        let head = head.strip_prefix("tower-genesys ");
        let rest = head.and_then(|head| head.strip_prefix(self.holds)?.strip_prefix(' '));
        let rest = rest.ok_or(StoreErrorKind::Corrupt)?;
        let version = rest.strip_prefix(VERSION);
        let Some(expected) = version.and_then(|rest| rest.strip_prefix(' ')) else {
            return Err(StoreErrorKind::Incompatible);
        };
        match expected == digest(json) {
            true => Ok(json),
            false => Err(StoreErrorKind::Corrupt),
        }
    }
}

fn digest(json: &str) -> String {
    STANDARD.encode(Sha256::digest(json))
}
