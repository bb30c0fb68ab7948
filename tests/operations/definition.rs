use std::collections::HashMap;

/// An operation as the definition has it.
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
    let mut reader = csv::Reader::from_reader(&include_bytes!("operations.csv")[..]);
    let lines: Vec<_> = reader
        .deserialize()
        .map(|line| Line(line.unwrap()))
        .collect();
    assert_eq!(lines.len(), 3355);
    lines
}
