//! The facts in the texts of an error body: the message with its parameters, a
//! wait, and the missing permissions.
//!
//! The API writes these facts for people, so this is the one place that knows
//! its wording.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::text::{clean, text};

/// How many placeholders of a template are filled. The messages of the API have
/// a handful.
const MOST_PARAMS: usize = 32;
/// The longest name of a placeholder, in bytes.
const LONGEST_NAME: usize = 64;

/// How many permissions are kept, and how long the name of each may be. The
/// longest of Genesys' list has about seventy characters.
const MOST_PERMISSIONS: usize = 64;
const LONGEST_PERMISSION: usize = 128;

/// Returns the message of an error body.
///
/// A template whose parameters are all there is the most complete text. If one
/// is missing, the API's own `message` reads better than a template with gaps.
pub(super) fn message(fields: &Map<String, Value>) -> Option<Box<str>> {
    let filled = |name| {
        let template = fields.get(name)?.as_str()?;
        let filled = fill(
            template,
            fields.get("messageParams").and_then(Value::as_object),
        )?;
        clean(&filled)
    };
    let plain = |name| fields.get(name).and_then(text);
    filled("messageWithParams")
        .or_else(|| filled("message"))
        .or_else(|| plain("message"))
        .or_else(|| plain("messageWithParams"))
}

/// Replaces each `{name}` in a template by the parameter of that name. Returns
/// `None` if one is missing.
///
/// Also returns `None` if the template has more than [`MOST_PARAMS`]
/// placeholders: a short one could name a long parameter ten thousand times.
fn fill(template: &str, params: Option<&Map<String, Value>>) -> Option<String> {
    let mut filled = String::new();
    let mut left = MOST_PARAMS;
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        rest = match placeholder(after) {
            Some(name) => {
                left = left.checked_sub(1)?;
                filled.push_str(&param(params?.get(name)?)?);
                &after[name.len() + 2..]
            }
            // A brace that is not a placeholder, such as JSON in a message.
            None => {
                filled.push('{');
                &after[1..]
            }
        };
    }
    filled.push_str(rest);
    Some(filled)
}

/// Returns the name in the braces that a text begins with.
fn placeholder(text: &str) -> Option<&str> {
    let text = text.strip_prefix('{')?;
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let length = text.bytes().take(LONGEST_NAME).take_while(inside).count();
    let (name, after) = text.split_at(length);
    (length > 0 && after.starts_with('}')).then_some(name)
}

/// Returns a parameter as a text: a list as its entries, with commas. Objects
/// have no text.
fn param(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        Value::Array(entries) => {
            // Lists in lists would recurse as deep as the server likes.
            let entries: Vec<_> = entries.iter().filter_map(scalar).collect();
            Some(Cow::Owned(entries.join(", ")))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// Returns an entry of a list as a text, or `None` for a list or an object.
fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    param(value).filter(|_| !value.is_array())
}

/// Returns the seconds in `Retry the request in [42] seconds`.
pub(super) fn wait_in(message: &str) -> Option<u64> {
    const BEFORE: &str = "retry the request in";
    let lower = message.to_ascii_lowercase();
    let (_, rest) = lower.split_once(BEFORE)?;
    let rest = rest.trim_start_matches([' ', '[']);
    let end = rest.find(|char: char| !char.is_ascii_digit())?;
    let (digits, unit) = rest.split_at(end);
    let seconds = unit.trim_start_matches([' ', ']']).starts_with("second");
    // These are digits, so a number that does not parse is too large.
    (seconds && !digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Returns the permissions that an error body names, each once.
///
/// The parameters are exact. The message is searched only if they name none,
/// since a word with two colons may be something else.
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

/// Adds the permissions in a text to `names`.
fn collect(text: &str, names: &mut Vec<Box<str>>) {
    let apart = |char: char| !char.is_ascii_alphanumeric() && !"_-.*:".contains(char);
    for word in text.split(apart) {
        let word = word.trim_matches(['.', ':']);
        if names.len() < MOST_PERMISSIONS
            && is_permission(word)
            && !names.iter().any(|name| **name == *word)
        {
            names.push(word.into());
        }
    }
}

/// Reports whether a word is domain, entity and action, as in
/// `routing:queue:view`.
fn is_permission(word: &str) -> bool {
    word.len() <= LONGEST_PERMISSION
        && word.starts_with(|char: char| char.is_ascii_alphabetic())
        && word.split(':').count() == 3
        && word.split(':').all(|part| !part.is_empty())
}
