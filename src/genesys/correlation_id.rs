use http::HeaderMap;

/// Genesys' ids are UUIDs, of 36 characters.
const LONGEST: usize = 64;

/// Returns the id under which Genesys knows a request (`ININ-Correlation-Id`).
/// A value of another form is dropped, since the id ends up in errors and logs.
pub(super) fn correlation_id(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("inin-correlation-id")?
        .to_str()
        .ok()
        .filter(|id| is_plain(id))
}

/// Reports whether a text is short and holds only letters, digits and hyphens.
pub(super) fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(plain)
}
