use std::collections::HashMap;

/// One operation of the definition.
pub(crate) struct Line(HashMap<String, String>);

impl Line {
    pub(crate) fn get(&self, column: &str) -> &str {
        self.0.get(column).expect("a column of the CSV")
    }

    pub(crate) fn method(&self) -> &str {
        self.get("method")
    }

    pub(crate) fn path(&self) -> &str {
        self.get("path")
    }

    /// The path with its ids left blank.
    pub(crate) fn template(&self) -> String {
        self.with_ids("{}")
    }

    /// The path of a request, each id replaced.
    pub(crate) fn with_ids(&self, id: &str) -> String {
        let segments = self.path().split('/');
        let segments = segments.map(|one| if one.starts_with('{') { id } else { one });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// All 3,355 operations.
pub(crate) fn lines() -> Vec<Line> {
    let mut lines = include_str!("operations.csv").lines();
    let names = fields(lines.next().expect("the names of the columns"));
    let line = |line| names.iter().cloned().zip(fields(line)).collect();
    let lines: Vec<_> = lines.map(|one| Line(line(one))).collect();
    assert_eq!(lines.len(), 3355);
    lines
}

/// The fields of a line. Quotes occur only around a whole field.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    for (place, part) in line.split('"').enumerate() {
        let is_quoted = place % 2 == 1;
        match fields.last_mut() {
            Some(last) if is_quoted => String::push_str(last, part),
            _ if place == 0 => fields.extend(part.split(',').map(str::to_owned)),
            // After a quoted field, its comma comes first.
            _ => fields.extend(part.split(',').skip(1).map(str::to_owned)),
        }
    }
    fields
}
