//! The fields in which a page speaks of other pages. The reader collects all
//! that any way of paging uses, not only those of its own way, so that the rule
//! can notice a contradiction.

use serde_json::{Map, Value};

use super::{Paging, way::By};

/// Fields with the number of all rows.
const TOTALS: [&str; 3] = ["total", "totalHits", "totalResults"];

/// Fields that lead to the next page.
const NEXT: [&str; 5] = ["nextUri", "nextPage", "cursor", "cursors.after", "after"];

/// Fields that say whether the response is complete.
const STATES: [&str; 2] = ["queryStatus", "state"];

/// Fields with the other numbers that a page may state.
const NUMBERS: [&str; 4] = ["pageCount", "pageNumber", "pageSize", "startIndex"];

/// What a page says about itself, beside its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs {
    /// The number of all rows, and the field that states it.
    pub(super) total: Option<(String, u64)>,
    /// The number of pages.
    pub(super) count: Option<u64>,
    /// The number of this page.
    pub(super) number: Option<u64>,
    /// The page size by the page itself; never 0.
    pub(super) size: Option<u64>,
    /// The number of the page's first row.
    pub(super) index: Option<u64>,
    /// Each field that leads to a next page, with its value: the way's own
    /// field first.
    pub(super) next: Vec<(String, String)>,
    /// The field with a state, and the state.
    pub(super) state: Option<(String, String)>,
}

/// Returns whether the reader keeps a field at the top or beside the rows.
pub(super) fn is_wanted(paging: &Paging, field: &str) -> bool {
    let head = |name: &str| name.split('.').next() == Some(field);
    let fixed = TOTALS.iter().chain(&NEXT).chain(&STATES).chain(&NUMBERS);
    fixed.copied().any(head) || own(paging).any(head)
}

/// Returns the fields that the description names.
fn own(paging: &Paging) -> impl Iterator<Item = &str> {
    let next = match &paging.by {
        By::Token(_, field) | By::Link(field) | By::Verbatim(field) => Some(&**field),
        _ => None,
    };
    [paging.total.as_deref(), paging.count.as_deref(), next]
        .into_iter()
        .flatten()
}

impl Signs {
    /// Reads the fields beside the rows, then those at the top that are not
    /// beside the rows.
    ///
    /// # Errors
    ///
    /// The name of a field that leads to the next page, and is neither a text
    /// nor a number. Ignoring it could end the stream early.
    pub(super) fn read(
        paging: &Paging,
        top: &Map<String, Value>,
        inner: &Map<String, Value>,
    ) -> Result<Self, String> {
        let find = |name: &str| at(inner, name).or_else(|| at(top, name));
        let number = |name: &str| find(name).and_then(Value::as_u64);
        let totals = paging.total.as_deref().into_iter().chain(TOTALS);
        let total = totals.filter_map(|name| Some((name.to_owned(), number(name)?)));
        let mut next = Vec::new();
        for name in own(paging).chain(NEXT) {
            // A description may name `after` as the total, say; then it leads
            // nowhere.
            let is_more =
                paging.total.as_deref() != Some(name) && paging.count.as_deref() != Some(name);
            let is_new = !next.iter().any(|(known, _)| known == name);
            if let Some(text) = find(name).filter(|_| is_more && is_new).map(text) {
                let text = text.ok_or_else(|| name.to_owned())?;
                if !text.is_empty() {
                    next.push((name.to_owned(), text));
                }
            }
        }
        let state = |name: &&str| Some(((*name).to_owned(), find(name)?.as_str()?.to_owned()));
        Ok(Self {
            // If two fields disagree, the larger total misses no rows.
            total: total.max_by_key(|(_, rows)| *rows),
            count: number(paging.count.as_deref().unwrap_or("pageCount")),
            number: number("pageNumber"),
            // `rule.rs` divides by it.
            size: number("pageSize").filter(|size| *size > 0),
            index: number("startIndex"),
            next,
            state: STATES.iter().find_map(state),
        })
    }

    /// Returns where this field leads.
    pub(super) fn next(&self, field: &str) -> Option<&str> {
        let mut all = self.next.iter();
        all.find(|(name, _)| name == field).map(|(_, text)| &**text)
    }
}

/// Returns the value at a path of fields with dots, unless it is `null`.
fn at<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = fields.get(names.next()?)?;
    let found = names.try_fold(first, |value, name| value.get(name))?;
    (!found.is_null()).then_some(found)
}

/// Returns a text or a number as text, or `None` for anything else.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_fields_that_speak_of_other_pages_are_kept() {
        let paging = Paging::token("after", "links.bookmark").with_total("all.count");
        for field in ["total", "pageSize", "state", "cursors", "all", "links"] {
            assert!(is_wanted(&paging, field), "{field}");
        }
        for field in ["entities", "bookmark", "count", "selfUri"] {
            assert!(!is_wanted(&paging, field), "{field}");
        }
    }

    #[test]
    fn a_page_size_of_zero_is_no_size() {
        let size = |size: u64| {
            let page = json!({ "pageSize": size });
            let page = page.as_object().unwrap();
            Signs::read(&Paging::whole(), page, &Map::new())
                .unwrap()
                .size
        };
        assert_eq!((size(0), size(1)), (None, Some(1)));
    }
}
