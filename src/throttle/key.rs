use http::{Method, Uri};

/// The longest key, in bytes; the rest is cut off. The keys of 1024 closed
/// gates then take a quarter of a megabyte at most, whatever the paths are.
const MAX_LEN: usize = 256;

/// The shortest segment of hexadecimal digits that counts as an id. English
/// words of the letters `a` to `f` are shorter.
const MIN_HEX: usize = 16;

/// Returns the key of a request's endpoint: method, host, port and path, with
/// `{id}` for each segment that is an id.
///
/// ```text
/// GET https://API.example.com/users/6d2ad0a2-4b5e-4f5c-9a37-2c1f1e2c9a55/queues?a
/// GET api.example.com/users/{id}/queues
/// ```
///
/// The key contains the host, because a 429 of one host says nothing about
/// another. It does not contain a user name and password, or the query, because
/// events show it.
pub(super) fn endpoint(method: &Method, uri: &Uri) -> String {
    let (host, path) = (uri.host().unwrap_or(""), uri.path());
    let length = method.as_str().len() + host.len() + path.len() + 1;
    let mut key = String::with_capacity(length.min(MAX_LEN));
    key.push_str(method.as_str());
    key.push(' ');
    let host = host.chars().take(MAX_LEN);
    key.extend(host.map(|letter| letter.to_ascii_lowercase()));
    if let Some(port) = uri.port() {
        key.push(':');
        key.push_str(port.as_str());
    }
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            key.push('/');
        }
        key.push_str(if is_id(segment) { "{id}" } else { segment });
        if key.len() > MAX_LEN {
            break;
        }
    }
    shorten(key)
}

/// Cuts a key off after [`MAX_LEN`] bytes, or before a character that they
/// would split.
pub(super) fn shorten(mut key: String) -> String {
    if key.len() > MAX_LEN {
        let mut end = MAX_LEN;
        while !key.is_char_boundary(end) {
            end -= 1;
        }
        key.truncate(end);
        // The table keeps the key, and must not keep the whole path.
        key.shrink_to_fit();
    }
    key
}

/// Returns whether a segment is an id: a number, a UUID, or a long hexadecimal
/// string.
fn is_id(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    if bytes.is_empty() {
        return false;
    }
    let is_uuid = || {
        bytes.len() == 36
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    };
    let is_long_hex = || bytes.len() >= MIN_HEX && bytes.iter().all(u8::is_ascii_hexdigit);
    bytes.iter().all(u8::is_ascii_digit) || is_uuid() || is_long_hex()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(path: &str) -> String {
        endpoint(&Method::GET, &path.parse().unwrap())
    }

    #[test]
    fn ids_are_normalised_words_are_not() {
        let uuid = "6d2ad0a2-4B5e-4f5c-9a37-2c1f1e2c9a55";
        for (path, expected) in [
            ("/api/v2/users".to_owned(), "GET /api/v2/users"),
            (format!("/api/v2/users/{uuid}"), "GET /api/v2/users/{id}"),
            (
                format!("/api/v2/users/{uuid}/queues?a={uuid}"),
                "GET /api/v2/users/{id}/queues",
            ),
            (
                "/api/v2/routing/skills/12345".to_owned(),
                "GET /api/v2/routing/skills/{id}",
            ),
            ("/x/0123456789abcdef01234567".to_owned(), "GET /x/{id}"),
            ("/x/facade".to_owned(), "GET /x/facade"),
            (
                "https://api.mypurecloud.com/api/v2/users/7".to_owned(),
                "GET api.mypurecloud.com/api/v2/users/{id}",
            ),
            ("/".to_owned(), "GET /"),
            ("/a//b/".to_owned(), "GET /a//b/"),
        ] {
            assert_eq!(key(&path), expected, "{path}");
        }
    }

    #[test]
    fn methods_are_apart() {
        let uri = Uri::from_static("/api/v2/users");
        assert_ne!(endpoint(&Method::GET, &uri), endpoint(&Method::POST, &uri));
    }

    #[test]
    fn hosts_and_ports_are_apart_however_they_are_written() {
        for (uri, expected) in [
            ("https://A.Example/x", "GET a.example/x"),
            ("https://b.example/x", "GET b.example/x"),
            ("https://a.example:8443/x", "GET a.example:8443/x"),
            ("http://[::1]:80/x", "GET [::1]:80/x"),
            ("https://12345/x", "GET 12345/x"),
        ] {
            assert_eq!(key(uri), expected);
        }
    }

    #[test]
    fn user_and_password_are_not_in_the_key() {
        assert_eq!(key("https://user:secret@a.example/x"), "GET a.example/x");
    }

    proptest! {
        #[test]
        fn no_key_is_longer_than_the_cap(host in "[a-z]{0,400}", path in "(/[a-z]{0,40}){0,40}") {
            let path = match &*host {
                "" => ["/", &path].concat(),
                host => ["https://", host, "/", &path].concat(),
            };
            prop_assert!(key(&path).len() <= MAX_LEN);
        }

        #[test]
        fn shortening_respects_characters(key in "\\PC{0,200}") {
            let short = shorten(key.clone());
            prop_assert!(short.len() <= MAX_LEN && key.starts_with(&short));
        }
    }
}
