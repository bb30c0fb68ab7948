use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
};

use serde_json::Value;

/// Conversations by media type and day, each counted once.
#[derive(Default)]
pub(crate) struct Report {
    seen: HashSet<String>,
    twice: u64,
    counts: BTreeMap<(String, String), u64>,
}

impl Report {
    pub(crate) fn add(&mut self, page: &[Value]) {
        for conversation in page {
            let id = conversation["conversationId"].as_str().unwrap_or_default();
            if !self.seen.insert(id.to_owned()) {
                self.twice += 1;
                continue;
            }
            let start = conversation["conversationStart"]
                .as_str()
                .unwrap_or_default();
            let day = start.split('T').next().unwrap_or_default();
            for media in media_types(conversation) {
                *self.counts.entry((day.to_owned(), media)).or_default() += 1;
            }
        }
    }

    pub(crate) fn conversations(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(crate) fn is_complete(&self, total: u64) -> bool {
        let missing = total.saturating_sub(self.conversations());
        if missing > 0 || self.twice > 0 {
            eprintln!(
                "error: {missing} conversations are missing, {} came twice",
                self.twice
            );
        }
        missing == 0 && self.twice == 0
    }
}

/// The media of a conversation: a call that became a chat is counted with both.
fn media_types(conversation: &Value) -> BTreeSet<String> {
    let participants = conversation["participants"]
        .as_array()
        .into_iter()
        .flatten();
    let sessions = participants
        .filter_map(|person| person["sessions"].as_array())
        .flatten();
    sessions
        .filter_map(|session| session["mediaType"].as_str().map(str::to_owned))
        .collect()
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
    use serde_json::json;

    use super::*;

    fn conversation(id: &str) -> Value {
        json!({
            "conversationId": id,
            "conversationStart": "2026-01-05T10:00:00.000Z",
            "participants": [{ "sessions": [{ "mediaType": "voice" }, { "mediaType": "chat" }] }],
        })
    }

    #[test]
    fn a_conversation_that_is_missing_or_comes_twice_is_noticed() {
        let mut report = Report::default();
        report.add(&[conversation("a"), conversation("b")]);
        assert!(report.is_complete(2));
        assert!(!report.is_complete(3), "one is missing");
        report.add(&[conversation("b")]);
        assert!(!report.is_complete(2), "one came twice");
    }

    #[test]
    fn counts_by_day_and_media() {
        let mut report = Report::default();
        report.add(&[conversation("a"), conversation("a"), conversation("b")]);
        let shown = report.to_string();
        let row = shown.lines().find(|line| line.starts_with("2026-01-05"));
        let row: Vec<_> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["2026-01-05", "2", "2", "4"]);
    }
}
