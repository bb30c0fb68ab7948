use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use crate::{
    conversation::{Format, Row},
    failure::{Code, Failure},
};

/// Conversations by media type and day, each counted once.
#[derive(Default)]
pub(crate) struct Report {
    seen: HashSet<String>,
    twice: u64,
    counts: BTreeMap<(String, String), u64>,
}

impl Report {
    /// The report of an output file: of all runs that have written to it.
    pub(crate) fn read(path: &Path, format: Format) -> Result<Self, Failure> {
        let read = || -> io::Result<Self> {
            let mut report = Self::default();
            for row in format.decode(BufReader::new(File::open(path)?)) {
                report.add(row?);
            }
            Ok(report)
        };
        read().map_err(Failure::io("read", path))
    }

    fn add(&mut self, row: Row) {
        let day = row.start.split('T').next().unwrap_or_default();
        if self.seen.contains(&row.id) {
            self.twice += 1;
            return;
        }
        for media in row.media.split_whitespace() {
            let key = (day.to_owned(), media.to_owned());
            *self.counts.entry(key).or_default() += 1;
        }
        self.seen.insert(row.id);
    }

    pub(crate) fn conversations(&self) -> u64 {
        self.seen.len() as u64
    }

    /// An error if a conversation is missing or there twice.
    pub(crate) fn check(&self, total: Option<u64>) -> Result<(), Failure> {
        let missing = total.unwrap_or(0).saturating_sub(self.conversations());
        if missing == 0 && self.twice == 0 {
            return Ok(());
        }
        let twice = self.twice;
        let message = format!("{missing} conversations are missing, and {twice} came twice");
        Err(Failure::new(Code::Incomplete, message))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: BTreeSet<_> = self.counts.keys().map(|(day, _)| day).collect();
        let media: BTreeSet<_> = self.counts.keys().map(|(_, media)| media).collect();
        write!(f, "\n{:<12}", "day")?;
        for name in &media {
            write!(f, "{name:>10}")?;
        }
        writeln!(f, "{:>10}", "all")?;
        for day in days {
            let count = |name: &&String| self.counts.get(&(day.clone(), (*name).clone()));
            let row: Vec<_> = media
                .iter()
                .map(|name| count(name).copied().unwrap_or(0))
                .collect();
            write!(f, "{day:<12}")?;
            for count in &row {
                write!(f, "{count:>10}")?;
            }
            writeln!(f, "{:>10}", row.iter().sum::<u64>())?;
        }
        writeln!(f, "\n{} conversations", self.conversations())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ids: &[&str]) -> Report {
        let mut report = Report::default();
        for id in ids {
            let json = format!(
                r#"{{"id":"{id}","start":"2026-01-05T10:00:00.000Z","end":null,"direction":null,
                    "media":"chat voice"}}"#
            );
            report.add(serde_json::from_str(&json).unwrap());
        }
        report
    }

    #[test]
    fn a_conversation_that_is_missing_or_comes_twice_is_noticed() {
        assert!(report(&["a", "b"]).check(Some(2)).is_ok());
        assert!(
            report(&["a", "b"]).check(Some(3)).is_err(),
            "one is missing"
        );
        let twice = report(&["a", "b", "b"]).check(Some(2));
        assert_eq!(twice.unwrap_err().code(), Code::Incomplete);
    }

    #[test]
    fn counts_by_day_and_media() {
        let shown = report(&["a", "a", "b"]).to_string();
        let row = shown.lines().find(|line| line.starts_with("2026-01-05"));
        let row: Vec<_> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["2026-01-05", "2", "2", "4"]);
    }
}
