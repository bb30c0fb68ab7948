//! Whether the `WWW-Authenticate` of a 401 blames the token.

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// The error codes of a Bearer challenge that a newer token of the same kind
/// does not change: the two of RFC 6750, section 3.1, other than
/// `invalid_token`, and the one of RFC 9470, section 3.
///
/// Any other code (from a gateway, for example) counts as `invalid_token`: a
/// needless renewal costs one token request, a missing one fails every request
/// until the token expires.
const NOT_THE_TOKEN: [&str; 3] = [
    "insufficient_scope",
    "invalid_request",
    "insufficient_user_authentication",
];

/// Returns whether the `WWW-Authenticate` of a 401 names a cause other than the
/// token.
///
/// `false` without a Bearer challenge, without its `error`, or if two
/// challenges disagree. A header that breaks the grammar (RFC 9110, section
/// 11.6.1) is ignored.
pub(super) fn clears_token(headers: &HeaderMap) -> bool {
    let mut cleared = false;
    // One challenge that blames the token decides, because a renewal in vain
    // costs less than a missing one.
    for value in headers.get_all(WWW_AUTHENTICATE) {
        match read(value.as_bytes()) {
            Some(Blame::Token) => return false,
            Some(Blame::Other) => cleared = true,
            Some(Blame::Nobody) | None => {}
        }
    }
    cleared
}

/// The cause of the 401, according to the Bearer challenges of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// No challenge names an error.
    Nobody,
    /// At least one error may be due to the token.
    Token,
    /// All errors have another cause.
    Other,
}

/// Reads the Bearer challenges of one header; `None` if it is malformed.
fn read(header: &[u8]) -> Option<Blame> {
    let mut reader = Reader(header);
    let mut blame = Blame::Nobody;
    let mut bearer = None;
    // Each pass reads one element: a scheme with its first parameter, or a
    // further parameter. `bearer` is whether the current scheme is Bearer, and
    // `None` before the first one.
    loop {
        reader.skip(|byte| is_space(byte) || byte == b',');
        if reader.0.is_empty() {
            return Some(blame);
        }
        let mut name = reader.token()?;
        // A name without `=` is a scheme. Its first parameter follows without a
        // comma.
        if reader.peek_past_space() != Some(b'=') {
            bearer = Some(name.eq_ignore_ascii_case(b"bearer"));
            if reader.token68() || reader.at_end_of_element() {
                continue;
            }
            name = reader.token()?;
        }
        let value = reader.value()?;
        if bearer? && name.eq_ignore_ascii_case(b"error") {
            let cleared = NOT_THE_TOKEN.iter().any(|code| value.is(code));
            blame = match (blame, cleared) {
                (Blame::Token, _) | (_, false) => Blame::Token,
                (_, true) => Blame::Other,
            };
        }
        if !reader.at_end_of_element() {
            return None;
        }
    }
}

/// The unread rest of a header. Nothing is copied.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Skips the bytes for which `over` is true, and returns them.
    fn skip(&mut self, over: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().position(|&byte| !over(byte));
        let (skipped, rest) = self.0.split_at(length.unwrap_or(self.0.len()));
        self.0 = rest;
        skipped
    }

    fn peek_past_space(&self) -> Option<u8> {
        self.0.iter().copied().find(|&byte| !is_space(byte))
    }

    fn at_end_of_element(&self) -> bool {
        matches!(self.peek_past_space(), None | Some(b','))
    }

    /// Reads a token (RFC 9110, section 5.6.2), after optional white space.
    fn token(&mut self) -> Option<&'a [u8]> {
        self.skip(is_space);
        let token = self.skip(is_token);
        (!token.is_empty()).then_some(token)
    }

    /// Reads the other form of credentials, a single value without a name, if
    /// present.
    fn token68(&mut self) -> bool {
        let mut ahead = Reader(self.0);
        ahead.skip(is_space);
        let value = ahead.skip(is_token68);
        ahead.skip(|byte| byte == b'=');
        let found = !value.is_empty() && ahead.at_end_of_element();
        if found {
            *self = ahead;
        }
        found
    }

    /// Reads `=` and the value after it.
    fn value(&mut self) -> Option<Value<'a>> {
        self.skip(is_space);
        self.0 = self.0.strip_prefix(b"=")?;
        self.skip(is_space);
        let Some(inner) = self.0.strip_prefix(b"\"") else {
            return self.token().map(Value);
        };
        // The string ends at the first quote that no backslash precedes as an
        // escape. Without one, the header is malformed.
        let mut escaped = false;
        let end = inner.iter().position(|&byte| match byte {
            _ if escaped => {
                escaped = false;
                false
            }
            b'\\' => {
                escaped = true;
                false
            }
            byte => byte == b'"',
        })?;
        self.0 = &inner[end + 1..];
        Some(Value(&inner[..end]))
    }
}

/// The value of a parameter. In a quoted string, a backslash quotes the next
/// byte; a token has no backslash.
struct Value<'a>(&'a [u8]);

impl Value<'_> {
    /// Whether the value, without its backslashes, is this code. Codes are
    /// compared exactly, as RFC 6749 defines them.
    fn is(&self, code: &str) -> bool {
        let mut escaped = false;
        let plain = self.0.iter().filter(|&&byte| {
            escaped = byte == b'\\' && !escaped;
            !escaped
        });
        plain.eq(code.as_bytes())
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A byte of `token68` (RFC 9110, section 11.2) before its padding.
fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn clears(values: &[&[u8]]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(WWW_AUTHENTICATE, value);
        }
        clears_token(&headers)
    }

    #[test]
    fn a_bearer_error_that_no_token_cures_clears_the_token() {
        for header in [
            r#"Bearer error="insufficient_scope""#,
            r#"Bearer error=insufficient_scope"#,
            r#"bEaReR   ErRoR = "invalid_request""#,
            r#"Bearer error="insufficient_user_authentication", max_age="5""#,
            r#"Bearer realm="a, error=\"invalid_token\"", error="insufficient_scope", scope="b c""#,
            r#"Bearer error="in\sufficient\_scope""#,
            r#"Negotiate, Bearer error="invalid_request""#,
            r#"Negotiate dG9rZW4==, Basic realm="x" , ,, Bearer error="invalid_request","#,
            r#"Bearer, Digest error="invalid_token", Bearer x=y, error=invalid_request"#,
            r#"Bearer realm="\\", error="insufficient_scope""#,
        ] {
            assert!(clears(&[header.as_bytes()]), "{header}");
        }
        let second: [&[u8]; 2] = [br#"Basic realm="x""#, br#"Bearer error="invalid_request""#];
        assert!(clears(&second));
    }

    #[test]
    fn whatever_else_is_said_may_be_the_token() {
        for header in [
            "",
            "Bearer",
            "Bearer ,",
            r#"Bearer realm="PureCloud""#,
            r#"Bearer error="""#,
            r#"Bearer error="invalid_token""#,
            r#"Bearer error="expired_token""#,
            r#"Bearer error="INVALID_REQUEST""#,
            r#"Bearer error_description="x", xerror="invalid_request""#,
            r#"Basic error="invalid_request""#,
            r#"Bearer realm="x", Basic error="invalid_request""#,
            r#"Bearer realm="error=\"invalid_request\"""#,
            r#"Bearer error="invalid_request", error="invalid_token""#,
            r#"Bearer error="invalid_token", error="invalid_request""#,
        ] {
            assert!(!clears(&[header.as_bytes()]), "{header}");
        }
        assert!(!clears(&[]));
        let token: &[u8] = br#"Bearer error="invalid_token""#;
        let other: &[u8] = br#"Bearer error="invalid_request""#;
        assert!(!clears(&[token, other]));
        assert!(!clears(&[other, token]));
    }

    #[test]
    fn a_malformed_header_says_nothing_and_hides_no_other() {
        let other: &[u8] = br#"Bearer error="invalid_request""#;
        for broken in [
            br#"Bearer error="invalid_request"#.as_slice(),
            br#"Bearer error="invalid_request\"#,
            br#"Bearer error="invalid_request" scope="x""#,
            br#"Bearer error=="invalid_request""#,
            br#"error="invalid_request""#,
            br#"Bearer error="invalid_request", ="x""#,
            b"Bearer error=\"invalid_request\", \xff",
        ] {
            assert!(!clears(&[broken]), "{}", broken.escape_ascii());
            assert!(clears(&[broken, other]), "{}", broken.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(value in "[ -~]{0,80}") {
            clears(&[value.as_bytes()]);
        }

        #[test]
        fn a_quoted_value_is_read_whole(text in "[ -~]{0,40}", before: bool) {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            let error = r#"error="insufficient_scope""#;
            let header = if before {
                format!(r#"Bearer realm="{quoted}", {error}"#)
            } else {
                format!(r#"Bearer {error}, realm="{quoted}""#)
            };
            prop_assert!(clears(&[header.as_bytes()]), "{}", header);
        }
    }
}
