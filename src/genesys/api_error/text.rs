//! Texts of foreign origin: without tokens, bounded, and safe to log.

use std::fmt::{self, Write};

use serde_json::Value;

/// How many bytes of a text are kept. The messages of the API are below 1 KiB.
pub(super) const LONGEST: usize = 4096;

/// Stands in place of a token.
const REDACTED: &str = "[redacted]";

/// A word of this length or more, with digits and both cases, may be a token.
/// An id has 36 characters, and a token of Genesys 86.
const SHORTEST_SECRET: usize = 40;

/// Returns a field of a body as a cleaned text. Numbers and truth values count
/// as texts.
pub(super) fn text(value: &Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => clean(text),
        Value::Number(_) | Value::Bool(_) => clean(&value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Trims a text, replaces the tokens in it, and shortens it. Returns `None` if
/// nothing is left.
pub(in crate::genesys) fn clean(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let mut clean = String::new();
    let mut before = Before::Anything;
    for word in text.split_inclusive(|char| !in_word(char)) {
        let end = word.trim_end_matches(|char| !in_word(char)).len();
        let (word, gap) = word.split_at(end);
        // A dash between "Bearer" and a token does not end the search.
        if !word.contains(char::is_alphanumeric) {
            clean.push_str(word);
        } else if before.hides(word) {
            clean.push_str(REDACTED);
            before = before.after(word, true);
        } else {
            clean.push_str(word);
            before = before.after(word, false);
        }
        clean.push_str(gap);
        // `shorten` cuts here, so the rest need not be read.
        if clean.len() > LONGEST {
            break;
        }
    }
    shorten(&mut clean);
    (!clean.is_empty()).then(|| clean.into())
}

/// The words before a word, which may mark it as a token.
#[derive(Clone, Copy)]
enum Before {
    /// No word that marks the next one.
    Anything,
    /// The word "Bearer", also at the end of a longer word.
    Bearer,
    /// As in "the bearer token is missing".
    BearerToken,
}

impl Before {
    /// Reports whether a word after these is a token.
    fn hides(self, word: &str) -> bool {
        let digit = || word.bytes().any(|byte| byte.is_ascii_digit());
        match self {
            // After "Bearer", any word but "token" may be the token, however
            // short it is.
            Self::Bearer => !is_the_word_token(word),
            // Prose follows "bearer token", too. Prose has no digits and no
            // long words.
            Self::BearerToken => digit() || word.len() >= SHORTEST_SECRET / 2,
            Self::Anything => looks_secret(word),
        }
    }

    /// Returns the state before the next word. "Bearer" marks the word after it
    /// as a token. If that word is "token", it marks one word more.
    fn after(self, word: &str, hidden: bool) -> Self {
        let names_bearer = || word.to_ascii_lowercase().ends_with("bearer");
        match self {
            Self::Bearer if !hidden => Self::BearerToken,
            _ if names_bearer() => Self::Bearer,
            _ => Self::Anything,
        }
    }
}

/// Reports whether a word is "token" itself, also at the end of a sentence.
fn is_the_word_token(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    word.eq_ignore_ascii_case("token") || word.eq_ignore_ascii_case("tokens")
}

/// Reports whether a word is long and mixed enough to be a token by itself.
fn looks_secret(word: &str) -> bool {
    // A path has many short parts, a token of Genesys one long part.
    word.split(['/', '.']).any(|part| {
        let has = |kind: fn(&u8) -> bool| part.as_bytes().iter().any(kind);
        part.len() >= SHORTEST_SECRET
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
    })
}

/// Reports whether a character can be part of a token (RFC 6750, section 2.1).
/// The padding `=` is left out, since it also stands before a token, as in
/// `Bearer=`.
fn in_word(char: char) -> bool {
    char.is_alphanumeric() || "-._~+/".contains(char)
}

/// Cuts a text after [`LONGEST`] bytes or just before, between two characters,
/// and marks the cut.
fn shorten(text: &mut String) {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// Displays a text on one line of a log: at most this many characters, and none
/// that a terminal or a log viewer takes for a command.
pub(in crate::genesys) struct Shown<'a> {
    text: &'a str,
    most: usize,
}

impl<'a> Shown<'a> {
    pub(in crate::genesys) const fn new(text: &'a str, most: usize) -> Self {
        Self { text, most }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.most;
        for char in self.text.chars() {
            let length = if is_plain(char) {
                1
            } else {
                char.escape_unicode().len()
            };
            left = match left.checked_sub(length) {
                Some(left) => left,
                None => return f.write_char('…'),
            };
            if is_plain(char) {
                f.write_char(char)?;
            } else {
                write!(f, "{}", char.escape_unicode())?;
            }
        }
        Ok(())
    }
}

/// Reports whether a character is neither a control character, nor invisible,
/// nor one that changes the reading direction.
fn is_plain(char: char) -> bool {
    let hidden = matches!(
        char,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    );
    !char.is_control() && !hidden
}
