//! A page of a list, with the fields that the API definition gives it. What a
//! field says follows from the rows; a `MockList` can change it.

use std::borrow::Cow;

use form_urlencoded::{Serializer, parse};
use serde_json::{Map, Value, json};

use super::{
    MockList,
    shape::{Request, Shape},
};
use crate::testing::reply::Reply;

/// Parameters that select a page, and do not filter.
const PAGING: [&str; 10] = [
    "after",
    "before",
    "count",
    "cursor",
    "limit",
    "nextPage",
    "page",
    "pageNumber",
    "pageSize",
    "startIndex",
];

/// The rows that a request asks for.
struct Piece {
    /// The number of the first row, from 0.
    begin: usize,
    /// How many rows a page has.
    size: usize,
    /// How many rows there are in all.
    all: usize,
}

/// Responds with a page of a list.
pub(super) fn respond(shape: &Shape, list: &MockList, request: &Request<'_>) -> Reply {
    match piece(shape, list, request) {
        Ok(piece) => Reply::ok(&page(shape, list, request, &piece)),
        Err(what) => Reply::bad_request(&format!("{what} is not one of this list.")),
    }
}

/// Reads the piece that a request asks for. The error is the name of a
/// parameter that this list did not issue.
fn piece(shape: &Shape, list: &MockList, request: &Request<'_>) -> Result<Piece, &'static str> {
    let sizes = ["pageSize", "limit", "count"];
    let size = sizes
        .iter()
        .filter(|name| has(shape, name))
        .find_map(|name| number(request, name));
    let size = size.unwrap_or(list.page_size).max(1);
    let is_filter = |name: &str| !PAGING.contains(&name) && name != "q64";
    // The mock cannot filter rows that are only ids, so any parameter besides
    // those of paging filters.
    let is_filtered = parse(request.query.as_bytes()).any(|(name, _)| is_filter(&name));
    let all = list.matching.filter(|_| is_filtered).unwrap_or(list.rows);
    let begin = begin(shape, request, size)?;
    Ok(Piece { begin, size, all })
}

/// Returns whether the list takes this parameter, in the query or the body.
fn has(shape: &Shape, parameter: &str) -> bool {
    shape.takes(parameter) || shape.takes_in_body(parameter) || shape.takes_in_body("paging")
}

/// Returns the number of the first row.
fn begin(shape: &Shape, request: &Request<'_>, size: usize) -> Result<usize, &'static str> {
    // The mock's own parameter, for lists whose definition names no paging
    // parameters.
    if let Some(begin) = number(request, "page") {
        return Ok(begin);
    }
    // The definition decides how a list pages: by number, by index from 1, or
    // by cursor.
    if has(shape, "pageNumber") {
        let page = number(request, "pageNumber").unwrap_or(1);
        return Ok(page.saturating_sub(1).saturating_mul(size));
    }
    if has(shape, "startIndex") {
        return Ok(number(request, "startIndex").unwrap_or(1).saturating_sub(1));
    }
    let token = ["after", "cursor", "nextPage"]
        .iter()
        .find_map(|name| text(request, name));
    match token {
        None => Ok(0),
        // A cursor is the id of the last row, or one of the mock's own tokens.
        Some(token) => match (token.strip_prefix('r'), token.strip_prefix('t')) {
            (Some(row), _) => row.parse().map(|row: usize| row + 1).map_err(|_| "after"),
            (_, Some(begin)) => begin.parse().map_err(|_| "cursor"),
            _ => Err("cursor"),
        },
    }
}

/// Returns the page as JSON.
fn page(shape: &Shape, list: &MockList, request: &Request<'_>, piece: &Piece) -> Value {
    // Past the end, the page is empty, and not an error.
    let begin = piece.begin.min(piece.all);
    let end = begin.saturating_add(piece.size).min(piece.all);
    let is_shown = |row: &usize| list.hides_every.is_none_or(|nth| row % nth != nth - 1);
    let rows: Vec<_> = (begin..end)
        .filter(is_shown)
        .map(|row| json!({ "id": format!("r{row}") }))
        .collect();
    let mut fields = Map::new();
    for field in shape.says() {
        // If the rows are in an object, its other fields are there too.
        let name = field.rsplit('.').next().unwrap_or(field);
        if let Some(value) = says(shape, list, request, piece, end, name) {
            fields.insert(name.to_owned(), value);
        }
    }
    let (outer, inner) = shape.rows().split_once('.').unwrap_or(("", shape.rows()));
    // Past the end, a details query omits its rows.
    let is_left_out = shape.takes_in_body("paging") && rows.is_empty() && piece.all > 0;
    if !is_left_out {
        fields.insert(inner.to_owned(), rows.into());
    }
    let number = piece.begin / piece.size + 1;
    for (field, _) in list
        .without
        .iter()
        .filter(|(_, page)| page.is_none_or(|page| page == number))
    {
        fields.remove(field);
    }
    // Last: a field that is both omitted and set is set.
    fields.extend(list.stating.iter().cloned());
    match outer {
        "" => Value::Object(fields),
        outer => json!({ outer: fields }),
    }
}

/// Returns the value of a paging field, or `None` for any other field.
fn says(
    shape: &Shape,
    list: &MockList,
    request: &Request<'_>,
    piece: &Piece,
    end: usize,
    field: &str,
) -> Option<Value> {
    let more = end < piece.all;
    Some(match field {
        "total" | "totalHits" | "totalResults" | "totalNumberOfEntities" => piece.all.into(),
        "pageCount" => piece.all.div_ceil(piece.size).into(),
        "pageNumber" => (piece.begin / piece.size + 1).into(),
        "pageSize" => piece.size.into(),
        "itemsPerPage" => end.saturating_sub(piece.begin).into(),
        "startIndex" => (piece.begin + 1).into(),
        "after" | "cursor" if more => format!("t{end}").into(),
        "cursors" if more => json!({ "after": format!("t{end}") }),
        "nextUri" | "nextPage" if more => link(shape, list, request, piece, end).into(),
        "previousUri" if piece.begin > 0 => request.path.into(),
        "queryStatus" => "Succeeded".into(),
        "id" => "list".into(),
        _ => return None,
    })
}

/// Returns the link to the next page, as the API would write it.
fn link(
    shape: &Shape,
    list: &MockList,
    request: &Request<'_>,
    piece: &Piece,
    end: usize,
) -> String {
    let mut query = Serializer::new(String::new());
    let own = parse(request.query.as_bytes());
    // Filters stay in a link, unless the list shall drop them.
    let kept = own.filter(|(name, _)| !list.drops_parameters && !PAGING.contains(&&**name));
    query.extend_pairs(kept);
    let token = ["after", "cursor", "nextPage"]
        .into_iter()
        .find(|name| shape.takes(name));
    match token {
        _ if shape.takes("pageNumber") => {
            query.append_pair("pageNumber", &(end / piece.size + 1).to_string());
        }
        Some(name) => {
            query.append_pair(name, &format!("t{end}"));
        }
        None => {
            query.append_pair("page", &end.to_string());
        }
    }
    let size = ["pageSize", "limit"]
        .into_iter()
        .find(|name| shape.takes(name));
    if let Some(name) = size {
        query.append_pair(name, &piece.size.to_string());
    }
    format!("{}?{}", request.path, query.finish())
}

/// Returns a parameter of the query or the body.
fn text<'a>(request: &Request<'a>, name: &str) -> Option<Cow<'a, str>> {
    let in_query = parse(request.query.as_bytes()).find(|(own, _)| own == name);
    if let Some((_, value)) = in_query {
        return Some(value);
    }
    let own = request
        .body
        .get("paging")
        .unwrap_or(request.body)
        .get(name)?;
    Some(
        own.as_str()
            .map_or_else(|| own.to_string().into(), Cow::Borrowed),
    )
}

/// Returns a numeric parameter. Any other text counts as absent.
fn number(request: &Request<'_>, name: &str) -> Option<usize> {
    text(request, name)?.parse().ok()
}
