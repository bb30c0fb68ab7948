use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use crate::{
    conversation::{Format, Row},
    failure::{Code, Failure},
    terminal::count,
};

/// Conversations by media type and day, each counted once.
#[derive(Default)]
pub(crate) struct Report {
    seen: HashSet<String>,
    twice: u64,
    counts: BTreeMap<(String, String), u64>,
}

impl Report {
    /// Reads the report from an output file, which may be the work of several
    /// runs.
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

    /// Returns an error if a conversation is missing or was written twice.
    pub(crate) fn check(&self, total: Option<u64>) -> Result<(), Failure> {
        let missing = total.unwrap_or(0).saturating_sub(self.conversations());
        if missing == 0 && self.twice == 0 {
            return Ok(());
        }
        let message = format!(
            "{} missing, and {} came twice",
            count(missing, "conversation is", "conversations are"),
            self.twice
        );
        Err(Failure::new(Code::Incomplete, message))
    }
}

/// The report as text.
impl Report {
    /// The counts, with a row for each day. If that is wider than the terminal,
    /// there is a line for each day and media type.
    pub(crate) fn table(&self, columns: Option<usize>) -> String {
        let wide = self.wide();
        let width = wide.lines().map(str::len).max().unwrap_or(0);
        let shown = match columns {
            Some(columns) if columns < width => self.narrow(),
            _ => wide,
        };
        let all = count(self.conversations(), "conversation", "conversations");
        format!("\n{shown}\n{all}\n")
    }

    fn wide(&self) -> String {
        let days: BTreeSet<_> = self.counts.keys().map(|(day, _)| &**day).collect();
        let media: BTreeSet<_> = self.counts.keys().map(|(_, media)| &**media).collect();
        let head = media.iter().map(|name| (*name).to_owned());
        let mut rows = vec![(
            "day".to_owned(),
            head.chain(["all".to_owned()]).collect::<Vec<_>>(),
        )];
        for day in days {
            let of = |name: &&str| self.counts.get(&(day.to_owned(), (*name).to_owned()));
            let counts: Vec<_> = media
                .iter()
                .map(|name| of(name).copied().unwrap_or(0))
                .collect();
            let all = counts.iter().sum();
            let cells = counts
                .into_iter()
                .chain([all])
                .map(|count: u64| count.to_string());
            rows.push((day.to_owned(), cells.collect()));
        }
        let width = |column: usize| rows.iter().map(|(_, cells)| cells[column].len()).max();
        let widths: Vec<_> = (0..=media.len())
            .map(|column| width(column).unwrap_or(0))
            .collect();
        rows.iter().fold(String::new(), |mut table, (day, cells)| {
            let cells = cells.iter().zip(&widths);
            let cells = cells.map(|(cell, &width)| format!("  {cell:>width$}"));
            table.push_str(&format!("{day:<10}{}\n", cells.collect::<String>()));
            table
        })
    }

    fn narrow(&self) -> String {
        let lines = self.counts.iter();
        let lines = lines.map(|((day, media), count)| format!("{day} {media} {count}\n"));
        lines.collect()
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
        let shown = report(&["a", "a", "b"]).table(None);
        let row = shown.lines().find(|line| line.starts_with("2026-01-05"));
        let row: Vec<_> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["2026-01-05", "2", "2", "4"]);
    }

    #[test]
    fn a_table_is_as_wide_as_it_has_to_be_and_no_wider_than_the_terminal() {
        let report = report(&["a", "b"]);
        let wide =
            "\nday         chat  voice  all\n2026-01-05     2      2    4\n\n2 conversations\n";
        for columns in [None, Some(80), Some(28)] {
            assert_eq!(report.table(columns), wide, "{columns:?}");
        }
        let narrow = "\n2026-01-05 chat 2\n2026-01-05 voice 2\n\n2 conversations\n";
        assert_eq!(report.table(Some(27)), narrow);
    }

    #[test]
    fn one_is_singular() {
        let one = report(&["a"]);
        assert!(one.table(None).ends_with("\n1 conversation\n"));
        let missing = one.check(Some(2)).unwrap_err().to_string();
        assert_eq!(missing, "1 conversation is missing, and 0 came twice");
    }
}
