use serde_json::{Map, Value};

use super::message::param;

/// No request needs more, and no permission has a longer name: the longest of Genesys' list has
/// about seventy characters.
const MOST: usize = 64;
const LONGEST: usize = 128;

/// The permissions that an error body names, each once.
pub(super) fn permissions(fields: &Map<String, Value>, message: Option<&str>) -> Vec<Box<str>> {
    let mut names = Vec::new();
    let params = fields.get("messageParams").and_then(Value::as_object);
    for (key, value) in params.into_iter().flatten() {
        if key.to_ascii_lowercase().contains("permission") {
            collect(&param(value).unwrap_or_default(), &mut names);
        }
    }
    if names.is_empty() {
        collect(message.unwrap_or_default(), &mut names);
    }
    names
}

fn collect(text: &str, names: &mut Vec<Box<str>>) {
    let apart = |char: char| !char.is_ascii_alphanumeric() && !"_-.*:".contains(char);
    for word in text.split(apart) {
        let word = word.trim_matches(['.', ':']);
        if names.len() < MOST && is_permission(word) && !names.iter().any(|name| **name == *word) {
            names.push(word.into());
        }
    }
}

/// Domain, entity and action, as in `routing:queue:view`.
fn is_permission(word: &str) -> bool {
    word.len() <= LONGEST
        && word.starts_with(|char: char| char.is_ascii_alphabetic())
        && word.split(':').count() == 3
        && word.split(':').all(|part| !part.is_empty())
}
