//! Finds a line of the table with one binary search for each segment of the
//! path.

/// The official API definition, one operation a line: the path after `/api/v2/`
/// with `{}` for each id, method, class, way to page, rows. `make operations`
/// writes it.
const TABLE: &str = include_str!("table.txt");

/// The prefix of every path of the API.
const VERSION: &str = "/api/v2/";

/// Returns the line of this method and path. It ignores a prefix before
/// `/api/v2/`.
pub(super) fn find(method: &str, path: &str) -> Option<&'static str> {
    // A gateway's prefix may hold the version, too, so each place is tried.
    path.match_indices(VERSION).find_map(|(at, _)| {
        let rest = path[at + VERSION.len()..].trim_end_matches('/');
        descend(TABLE, 0, Some(rest), method)
    })
}

/// Returns every line, in the order of the table.
pub(super) fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines()
}

/// Searches the lines that have all segments so far. The first of the remaining
/// segments begins in column `column` of each of them.
fn descend(
    lines: &'static str,
    column: usize,
    rest: Option<&str>,
    method: &str,
) -> Option<&'static str> {
    let Some(rest) = rest else {
        let own = |line: &&str| {
            line.get(column..)?
                .split(' ')
                .next()
                .map(|own| own == method)
        };
        return lines
            .lines()
            .take_while(|line| line.as_bytes().get(column.wrapping_sub(1)) == Some(&b' '))
            .find(|line| own(line).unwrap_or(false));
    };
    let (segment, after) = match rest.split_once('/') {
        Some((segment, after)) => (segment, Some(after)),
        None => (rest, None),
    };
    // An empty segment would match the lines whose path has ended.
    if segment.is_empty() {
        return None;
    }
    // A literal segment wins over an id: `users/me` is not a user.
    [segment, "{}"].into_iter().find_map(|wanted| {
        let lines = with_segment(lines, column, wanted);
        if lines.is_empty() {
            return None;
        }
        descend(lines, column + wanted.len() + 1, after, method)
    })
}

/// Returns the lines that have this segment in this column. The lines are
/// sorted by segment, so they are adjacent.
fn with_segment(lines: &'static str, column: usize, wanted: &str) -> &'static str {
    let start = partition(lines, |line| segment(line, column) < wanted);
    let lines = &lines[start..];
    &lines[..partition(lines, |line| segment(line, column) <= wanted)]
}

/// Returns where the first line begins for which `holds` is false.
fn partition(lines: &str, holds: impl Fn(&str) -> bool) -> usize {
    let (mut low, mut high) = (0, lines.len());
    while low < high {
        // Bytes, not lines: the middle may fall into a line, so the line around
        // it is compared. The text is ASCII, so each place is a boundary.
        let middle = low + (high - low) / 2;
        let start = lines[..middle].rfind('\n').map_or(0, |end| end + 1);
        let end = lines[middle..]
            .find('\n')
            .map_or(lines.len(), |at| middle + at + 1);
        if holds(&lines[start..end]) {
            low = end;
        } else {
            high = start;
        }
    }
    low
}

/// Returns the segment that begins in this column, or an empty one after the
/// end of the path.
fn segment(line: &str, column: usize) -> &str {
    if column > 0 && line.as_bytes().get(column - 1) == Some(&b' ') {
        return "";
    }
    let rest = line.get(column..).unwrap_or_default();
    rest.split(['/', ' ']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(line: &str) -> &str {
        line.split(' ').next().unwrap_or_default()
    }

    #[test]
    fn every_line_is_found_by_its_own_path_and_method_and_by_no_other() {
        let mut before: Vec<&str> = Vec::new();
        for line in lines() {
            let [path, method, ..] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            assert_eq!(line.split(' ').count(), 5, "{line}");
            let segments: Vec<_> = path.split('/').chain([method]).collect();
            assert!(
                before.is_empty() || before[..before.len() - 1] <= segments[..segments.len() - 1]
            );
            before = segments;
            for id in ["7", "0-a b", "{}", "zzz"] {
                let asked = format!("/gw/api/v2/{}", path.replace("{}", id));
                assert_eq!(find(method, &asked), Some(line), "{asked}");
                assert_eq!(find(method, &format!("{asked}/")), Some(line), "{asked}");
                assert_eq!(find("TRACE", &asked), None);
            }
        }
    }

    #[test]
    fn a_word_of_the_path_is_no_id_and_an_id_is_no_word() {
        let found = |at| find("GET", at).map(path);
        assert_eq!(found("/api/v2/users/search"), Some("users/search"));
        let favorites = "users/{}/favorites";
        assert_eq!(
            found("/api/v2/users/search/favorites"),
            Some(favorites),
            "also a word as an id"
        );
        for none in [
            "/api/v2/",
            "/api/v2",
            "/api/v2//users",
            "/api/v2/users/",
            "/api/v1/users",
            "/users",
            "",
            "/api/v2/users/x/y/z",
            "/api/v2/users//favorites",
            "/api/v2/Users/search",
            "/api/v2/usersx",
        ] {
            let is_users = none == "/api/v2/users/";
            assert_eq!(find("GET", none).is_some(), is_users, "{none}");
        }
    }

    #[test]
    fn a_prefix_may_hold_the_version_too() {
        assert!(find("GET", "/api/v2/genesys/api/v2/users").is_some());
        assert!(find("GET", "https://gw.example/a/api/v2/users").is_some());
    }
}
