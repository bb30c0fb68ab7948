//! Whether a checkpoint belongs to a request.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    checkpoint::{Place, Position},
    plan::Plan,
    way::{By, Where},
};

impl Plan {
    /// What a checkpoint knows its request by. No secret goes into it, and no
    /// row out of it.
    pub(super) fn digest(&self) -> Box<str> {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part(self.method.as_str());
        part(&self.path);
        part(&format!("{:?}", self.paging));
        part(&self.rows);
        part(&format!("{:?}", self.settings.asked_size));
        let mut body = String::new();
        if let Some(value) = &self.body {
            let set = match &self.paging.place {
                Where::Object(name) => Some(&**name),
                _ => None,
            };
            canonical(value, set, &mut body);
        }
        part(&body);
        let mut digest = String::new();
        for byte in &hash.finalize()[..16] {
            // A String takes whatever is written to it.
            let _ = write!(digest, "{byte:02x}");
        }
        digest.into()
    }

    /// Whether a stream of this request can be there.
    pub(super) fn has(&self, position: &Position) -> bool {
        match position {
            Position::Start | Position::End => true,
            Position::Page { at, .. } => {
                let is_in_job = self.paging.job.as_ref().is_some_and(|job| !job.per_page);
                !is_in_job && self.has_place(at)
            }
            Position::Job { then, .. } => {
                let at = match &**then {
                    Position::Start => return self.paging.job.is_some(),
                    Position::Page { at, .. } => at,
                    _ => return false,
                };
                self.paging.job.is_some() && self.has_place(at)
            }
        }
    }

    /// The way of paging decides which places exist: a place of another way
    /// would ask for a page that the operation does not have.
    fn has_place(&self, place: &Place) -> bool {
        match (&self.paging.by, place) {
            (By::Number(_) | By::Index(_), Place::Number(number)) => *number > 0,
            (By::Token(..) | By::LastRow(_), Place::Token(_)) => true,
            (By::Link(_) | By::Verbatim(_), Place::Link(_)) => true,
            _ => false,
        }
    }
}

/// JSON with the fields of objects in order: whether serde_json sorts them
/// depends on its features.
fn canonical(value: &Value, without: Option<&str>, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in fields {
                // The pager sets this parameter for each page.
                if without == Some(name) {
                    continue;
                }
                let _ = write!(out, "{:?}:", name);
                canonical(value, None, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, None, out);
                out.push(',');
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}
