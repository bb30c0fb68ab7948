//! A table of the docs, and its goals.

use std::{fmt::Write as _, fs, io, path::Path};

/// The answer to one question.
pub struct Section {
    /// The name of the place in the docs.
    pub name: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    pub goals: Vec<Goal>,
}

pub struct Goal {
    pub text: String,
    pub measured: String,
    pub met: bool,
    /// The reason on the page if the goal is not met.
    pub obstacle: String,
}

impl Goal {
    pub fn new(text: impl Into<String>, measured: impl Into<String>, met: bool) -> Self {
        Self {
            text: text.into(),
            measured: measured.into(),
            met,
            obstacle: String::new(),
        }
    }

    /// Adds the reason for a goal that is not met.
    #[must_use]
    pub fn against(mut self, obstacle: impl Into<String>) -> Self {
        self.obstacle = obstacle.into();
        self
    }

    fn verdict(&self) -> String {
        match (self.met, self.obstacle.as_str()) {
            (true, _) => "met".into(),
            (false, "") => "**not met**".into(),
            (false, obstacle) => format!("**not met**: {obstacle}"),
        }
    }
}

impl Section {
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        if !self.rows.is_empty() {
            out += &table(&self.columns, &self.rows);
        }
        if !self.goals.is_empty() {
            let row = |goal: &Goal| vec![goal.text.clone(), goal.measured.clone(), goal.verdict()];
            let rows: Vec<_> = self.goals.iter().map(row).collect();
            let _ = write!(out, "\n{}", table(&["goal", "measured", "verdict"], &rows));
        }
        out
    }
}

/// A table of all goals of all questions, for the top of the page.
pub fn summary(sections: &[Section]) -> Section {
    let goals = sections.iter().flat_map(|section| {
        section.goals.iter().map(|goal| {
            let question = section.name.replace('_', " ");
            let link = format!("[{question}](#{})", section.name.replace('_', "-"));
            vec![
                link,
                goal.text.clone(),
                goal.measured.clone(),
                goal.verdict(),
            ]
        })
    });
    Section {
        name: "summary",
        columns: vec!["question", "goal", "measured", "verdict"],
        rows: goals.collect(),
        goals: Vec::new(),
    }
}

fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!(
        "| {} |\n|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

/// Puts each section between its two marks in the page.
///
/// # Errors
///
/// When the page cannot be read or written, or has no place for a section.
pub fn write_into(page: &Path, sections: &[Section]) -> io::Result<()> {
    let mut text = fs::read_to_string(page)?;
    for section in sections {
        let begin = format!("<!-- measured: {} -->\n", section.name);
        let end = "<!-- end -->";
        let lost = || io::Error::other(format!("{} has no {}", page.display(), begin.trim()));
        let from = text.find(&begin).ok_or_else(lost)? + begin.len();
        let to = from + text[from..].find(end).ok_or_else(lost)?;
        text.replace_range(from..to, &format!("\n{}\n", section.markdown()));
    }
    fs::write(page, text)
}
