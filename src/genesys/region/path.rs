use super::RegionError;

/// Refuses a path that could lead out of the base URL that it follows.
pub(super) fn check(path_and_query: &str) -> Result<(), RegionError> {
    let refuse = |why| Err(RegionError::path(path_and_query, why));
    if !path_and_query.starts_with('/') {
        return refuse("it must begin with `/`");
    }
    if let Some((at, char)) = stray(path_and_query) {
        let why = format!("percent-encode {char:?}, as `Org::api_with_query` does in a query");
        return Err(RegionError::part(path_and_query, at, &why));
    }
    if let Some(at) = path_and_query.find('#') {
        let why = "a fragment is never sent: percent-encode `#` as `%23`";
        return Err(RegionError::part(path_and_query, at, why));
    }
    let path = path_and_query.split('?').next().unwrap_or_default();
    // A server or gateway may decode these before it looks at the segments.
    let path = path.to_ascii_lowercase();
    let plain = path
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "\\");
    if plain.contains('\\') {
        return refuse("some servers treat a backslash as `/`");
    }
    if plain.starts_with("//") {
        return refuse("a host follows `//`, not a path");
    }
    if plain
        .split('/')
        .any(|segment| segment == ".." || segment == ".")
    {
        return refuse("the segments `.` and `..` lead elsewhere");
    }
    Ok(())
}

/// Returns the first character that a URL must percent-encode, and its
/// position. `http` accepts `"` in a path, and a backtick in a query.
fn stray(path_and_query: &str) -> Option<(usize, char)> {
    let query = path_and_query.find('?').unwrap_or(path_and_query.len());
    path_and_query
        .char_indices()
        .find(|&(at, char)| match char {
            '<' | '>' => true,
            '`' => at < query,
            '"' => at > query,
            char => !char.is_ascii_graphic(),
        })
}
