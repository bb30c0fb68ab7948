//! Whether a checkpoint belongs to a request: by a digest of the request, and
//! by the places that its way of paging has.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    checkpoint::{Place, Position},
    plan::Plan,
    way::{By, Where},
};

impl Plan {
    /// Returns the digest by which a checkpoint knows its request: 128 bits of
    /// SHA-256, in hexadecimal digits.
    ///
    /// It covers everything that decides which rows come in which order. The
    /// digest reveals no secret and no row.
    pub(super) fn digest(&self) -> Box<str> {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            // The length comes first, so that no two lists of parts have the
            // same bytes.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        part(self.method.as_str());
        part(&self.path);
        part(&format!("{:?}", self.paging));
        part(&self.rows);
        // With another page size, page 3 begins at another row.
        part(&format!("{:?}", self.settings.asked_size));
        let mut body = String::new();
        if let Some(value) = &self.body {
            // The object that the pager replaces says nothing of the request.
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

    /// Returns whether a stream of this request can be at this position. A
    /// checkpoint that was edited, or mixed up, fails here.
    pub(super) fn has(&self, position: &Position) -> bool {
        match position {
            Position::Start | Position::End => true,
            Position::Page { at, .. } => {
                // A page of a job's results is inside of `Position::Job`, which
                // has the job's id. If each page is a job, the next page has no
                // job yet.
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

/// Writes JSON with the fields of objects in alphabetical order, without the
/// field `without` of the top level. Whether serde_json sorts fields depends on
/// its features.
fn canonical(value: &Value, without: Option<&str>, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in fields {
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
