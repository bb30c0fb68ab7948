use serde_json::{Map, Value};

use super::{Paging, way::By};

/// Fields that say how many rows there are in all.
const TOTALS: [&str; 3] = ["total", "totalHits", "totalResults"];

/// Fields that lead to the next page.
const NEXT: [&str; 5] = ["nextUri", "nextPage", "cursor", "cursors.after", "after"];

/// Fields that say whether the answer is complete.
const STATES: [&str; 2] = ["queryStatus", "state"];

/// Everything else that a page may say of itself.
const NUMBERS: [&str; 4] = ["pageCount", "pageNumber", "pageSize", "startIndex"];

/// What a page says of itself, beside its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs {
    /// How many rows there are in all, and the field that says so.
    pub(super) total: Option<(String, u64)>,
    pub(super) count: Option<u64>,
    pub(super) number: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) index: Option<u64>,
    /// What leads to the next page, by field.
    pub(super) next: Vec<(String, String)>,
    pub(super) state: Option<(String, String)>,
}

/// Whether a field at the top, or beside the rows, is looked at.
pub(super) fn is_wanted(paging: &Paging, field: &str) -> bool {
    let head = |name: &str| name.split('.').next() == Some(field);
    let fixed = TOTALS.iter().chain(&NEXT).chain(&STATES).chain(&NUMBERS);
    fixed.copied().any(head) || own(paging).any(head)
}

/// The fields that the description names.
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
    /// Reads the fields beside the rows, and those at the top where they are
    /// others.
    ///
    /// # Errors
    ///
    /// Fails if the field that leads to the next page is not a text: ignoring
    /// it could end the stream early.
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
            total: total.max_by_key(|(_, rows)| *rows),
            count: number(paging.count.as_deref().unwrap_or("pageCount")),
            number: number("pageNumber"),
            size: number("pageSize").filter(|size| *size > 0),
            index: number("startIndex"),
            next,
            state: STATES.iter().find_map(state),
        })
    }

    /// What this field leads to.
    pub(super) fn next(&self, field: &str) -> Option<&str> {
        let mut all = self.next.iter();
        all.find(|(name, _)| name == field).map(|(_, text)| &**text)
    }
}

fn at<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = fields.get(names.next()?)?;
    let found = names.try_fold(first, |value, name| value.get(name))?;
    (!found.is_null()).then_some(found)
}

/// A text or number that leads on; none if it is neither.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
