use super::RegionError;

/// Refuses a path that could lead out of the base that it is put behind.
pub(super) fn check(path_and_query: &str) -> Result<(), RegionError> {
    let refuse = |why| Err(RegionError::path(path_and_query, why));
    if !path_and_query.starts_with('/') {
        return refuse("it must begin with `/`");
    }
    if !path_and_query.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("percent-encode what is not printable ASCII");
    }
    if path_and_query.contains('#') {
        return refuse("a fragment is never sent: percent-encode `#` as `%23`");
    }
    let path = path_and_query.split('?').next().unwrap_or_default();
    // A server or gateway may decode these before it looks at the segments.
    let path = path.to_ascii_lowercase();
    let plain = path
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "\\");
    if plain.contains('\\') {
        return refuse("a backslash counts as `/` at some servers");
    }
    if plain.starts_with("//") {
        return refuse("after `//` comes a host, not a path");
    }
    if plain
        .split('/')
        .any(|segment| segment == ".." || segment == ".")
    {
        return refuse("the segments `.` and `..` lead elsewhere");
    }
    Ok(())
}
