//! Reads a page in one pass: the rows as the caller's type, and the few fields
//! around them that say something about paging. Everything else is skipped, so
//! a page of many megabytes is never a tree of values.

use std::{fmt, marker::PhantomData};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::{Map, Value};

use super::{
    Paging,
    signs::{self, Signs},
};

/// A page: its rows, and what it says about itself.
#[derive(Debug)]
pub(super) struct Body<T> {
    pub(super) rows: Vec<T>,
    /// Whether the page has the field of the rows at all. A page that has the
    /// field with `null` or `[]` has no rows; one that lacks it may be another
    /// thing altogether.
    pub(super) names_rows: bool,
    pub(super) signs: Signs,
}

/// Reads a page. `rows` is the field of the rows, or a path of fields with
/// dots. If it is empty, the page itself is an array.
///
/// # Errors
///
/// The page is not JSON, a row is not a `T`, or a field that leads to the next
/// page has another type than a text or a number.
pub(super) fn read<T: DeserializeOwned>(
    json: &[u8],
    paging: &Paging,
    rows: &str,
) -> serde_json::Result<Body<T>> {
    let mut read = Read {
        paging,
        rows: None,
        levels: Vec::new(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Level(&mut read, rows).deserialize(&mut deserializer)?;
    // Bytes after the page mean that it is not the whole response, or not one.
    deserializer.end()?;
    // The innermost level ends first.
    let mut levels = read.levels.into_iter();
    let inner = levels.next().unwrap_or_default();
    let top = levels.next_back().unwrap_or_default();
    let signs = Signs::read(paging, &top, &inner).map_err(|field| {
        serde_json::Error::custom(format_args!("`{field}` is neither a text nor a number"))
    })?;
    Ok(Body {
        names_rows: read.rows.is_some(),
        rows: read.rows.unwrap_or_default(),
        signs,
    })
}

/// A field of results other than rows, in the responses to details queries.
const BESIDE_ROWS: &str = "aggregations";

/// Returns whether a page without the field of the rows has rows (an array
/// whose first item is an object) in another field. Then the field's name is
/// wrong, and the page is not simply empty.
pub(super) fn has_others(json: &[u8]) -> bool {
    let rows = |value: &Value| value.get(0).is_some_and(Value::is_object);
    let fields = serde_json::from_slice::<Map<String, Value>>(json).unwrap_or_default();
    fields.iter().any(|(name, value)| {
        let nested = || {
            value
                .as_object()
                .is_some_and(|inner| inner.values().any(rows))
        };
        name != BESIDE_ROWS && (rows(value) || nested())
    })
}

/// Returns the `id` of the last row, from which the next page continues.
pub(super) fn last_id(json: &[u8], rows: &str) -> Option<String> {
    let page: Value = serde_json::from_slice(json).ok()?;
    let mut names = rows.split('.').filter(|name| !name.is_empty());
    let rows = names.try_fold(&page, |value, name| value.get(name))?;
    let id = rows.as_array()?.last()?.get("id")?;
    id.as_str()
        .map(str::to_owned)
        .or_else(|| id.as_u64().map(|id| id.to_string()))
}

/// The state of reading one page.
struct Read<'a, T> {
    paging: &'a Paging,
    /// `None` until the field of the rows is found.
    rows: Option<Vec<T>>,
    /// The fields of each object on the way to the rows, the innermost first.
    levels: Vec<Map<String, Value>>,
}

/// One object on the way to the rows, or the rows themselves. The text is the
/// rest of the path to them.
struct Level<'a, 'b, T>(&'a mut Read<'b, T>, &'a str);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Level<'_, '_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.1.is_empty() {
            // Only at the top, if the page itself is an array.
            deserializer.deserialize_seq(Rows(self.0, PhantomData))
        } else {
            // `null` in place of the object is an error: it says nothing of
            // the rows.
            deserializer.deserialize_map(self)
        }
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Level<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a page, an object with the rows in `{}`", self.1)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(read, path) = self;
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let (mut fields, mut has_first) = (Map::new(), false);
        while let Some(key) = map.next_key::<String>()? {
            // If a field occurred twice, its rows, or the link to more of them,
            // could get lost in silence.
            if key == first {
                if std::mem::replace(&mut has_first, true) {
                    return Err(repeated(&key));
                }
                if rest.is_empty() {
                    read.rows = Some(map.next_value::<Option<Vec<T>>>()?.unwrap_or_default());
                } else {
                    map.next_value_seed(Level(read, rest))?;
                }
            } else if signs::is_wanted(read.paging, &key) {
                if fields.contains_key(&key) {
                    return Err(repeated(&key));
                }
                fields.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        read.levels.push(fields);
        Ok(())
    }
}

/// Returns the error for an object with two values in one field.
fn repeated<E: Error>(field: &str) -> E {
    E::custom(format_args!("`{field}` occurs twice"))
}

/// A page that is an array.
struct Rows<'a, 'b, T>(&'a mut Read<'b, T>, PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Rows<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page, an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = seq.next_element()? {
            rows.push(row);
        }
        self.0.rows = Some(rows);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
