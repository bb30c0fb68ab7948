use std::{fmt, marker::PhantomData};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// What a page says of itself, and its rows.
#[derive(Debug)]
pub(super) struct Body<T> {
    pub(super) items: Vec<T>,
    /// Whether the field that they are in was there at all.
    pub(super) names_items: bool,
    pub(super) total: Option<u64>,
    pub(super) page_count: Option<u64>,
    pub(super) page_number: Option<u64>,
    pub(super) next_uri: Option<String>,
    pub(super) cursor: Option<String>,
}

/// Reads the rows of a page from the field of this name. It may be absent, as it is past the end.
pub(super) fn read<T: DeserializeOwned>(json: &[u8], items: &str) -> serde_json::Result<Body<T>> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let body = Seed(items, PhantomData).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(body)
}

/// What a query is given beside its rows, by whoever asks for it.
const BESIDE_ROWS: &str = "aggregations";

/// Whether a page without the rows that were asked for has others, in a field of another name.
pub(super) fn has_others<T>(page: &Body<T>, json: &[u8]) -> bool {
    if page.names_items || page.total == Some(0) {
        return false;
    }
    let rows = |value: &Value| value.get(0).is_some_and(Value::is_object);
    let fields = serde_json::from_slice::<Map<String, Value>>(json).unwrap_or_default();
    fields
        .iter()
        .any(|(name, value)| name != BESIDE_ROWS && rows(value))
}

struct Seed<'a, T>(&'a str, PhantomData<T>);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Body<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Body<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Seed<'_, T> {
    type Value = Body<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a page, an object with the rows in `{}`", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<T>, A::Error> {
        let mut body = Body {
            items: Vec::new(),
            names_items: false,
            total: None,
            page_count: None,
            page_number: None,
            next_uri: None,
            cursor: None,
        };
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                key if key == self.0 => {
                    body.names_items = true;
                    body.items = map.next_value::<Option<Vec<T>>>()?.unwrap_or_default();
                }
                "total" | "totalHits" => body.total = number(&mut map)?,
                "pageCount" => body.page_count = number(&mut map)?,
                "pageNumber" => body.page_number = number(&mut map)?,
                "nextUri" => body.next_uri = text(&mut map)?,
                "cursor" => body.cursor = text(&mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(body)
    }
}

/// A number; anything else counts as none.
fn number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<u64>, A::Error> {
    Ok(map.next_value::<Value>()?.as_u64())
}

/// Where it goes on. An empty text is the end, and no text at all an error: it might be overlooked.
fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    let text: Option<String> = map.next_value()?;
    Ok(text.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_in_any_order_of_its_fields() {
        let json = r#"{"cursor":"c","x":[{}],"entities":[1,2],"nextUri":"/n","pageNumber":2,
                       "pageCount":3,"total":5}"#;
        let body: Body<u8> = read(json.as_bytes(), "entities").unwrap();
        assert_eq!(body.items, [1, 2]);
        assert_eq!(
            (body.total, body.page_count, body.page_number),
            (Some(5), Some(3), Some(2))
        );
        assert_eq!(body.next_uri.as_deref(), Some("/n"));
        assert_eq!(body.cursor.as_deref(), Some("c"));
    }

    #[test]
    fn what_is_absent_null_or_empty_is_none() {
        for json in [
            "{}",
            r#"{"entities":null,"nextUri":null,"cursor":"","total":null}"#,
        ] {
            let body: Body<u8> = read(json.as_bytes(), "entities").unwrap();
            assert!(body.items.is_empty() && body.next_uri.is_none() && body.cursor.is_none());
            assert_eq!(body.total, None);
        }
    }

    #[test]
    fn rows_under_another_name_are_noticed_and_no_rows_are_none() {
        for (json, others) in [
            (r#"{"userDetails":[{}]}"#, true),
            (r#"{"total":9,"userDetails":[{},{}],"cursor":"c"}"#, true),
            (r#"{"entities":[],"userDetails":[{}]}"#, false),
            (r#"{"entities":null,"userDetails":[{}]}"#, false),
            (r#"{"totalHits":0,"userDetails":[{}]}"#, false),
            (r#"{"aggregations":[{}]}"#, false),
            (r#"{"userDetails":[],"names":["a"],"first":{}}"#, false),
            (r#"{"totalHits":9}"#, false),
            ("{}", false),
        ] {
            let body: Body<Value> = read(json.as_bytes(), "entities").unwrap();
            assert_eq!(has_others(&body, json.as_bytes()), others, "{json}");
        }
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        for json in [
            "",
            "[]",
            "{",
            r#"{"entities":[1,2"#,
            r#"{"entities":{}}"#,
            r#"{"entities":["a"]}"#,
            r#"{"nextUri":5}"#,
            r#"{"cursor":[]}"#,
            "{} {}",
            "null",
        ] {
            assert!(read::<u8>(json.as_bytes(), "entities").is_err(), "{json}");
        }
    }
}
