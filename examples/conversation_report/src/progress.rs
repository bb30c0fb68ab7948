use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::{count, note};

/// A bar on a terminal, and a line for each tenth elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    tenths: Option<u64>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{wide_bar} {pos}/{len} in {elapsed}, {eta} to go");
            let bar = ProgressBar::no_length();
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, tenths: None }
    }

    /// So many are there, of so many if that is known.
    pub(crate) fn set(&mut self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(total) = total {
                bar.set_length(total);
            }
            return bar.set_position(done);
        }
        // A job does not say how many there are: a line for each ten thousand then.
        let tenths = total.map_or(done / 10_000, |total| done * 10 / total.max(1));
        if self
            .tenths
            .replace(tenths)
            .is_none_or(|before| tenths > before)
        {
            let named = count(total.unwrap_or(done), "conversation", "conversations");
            note(&match total {
                Some(_) => format!("{done} of {named}"),
                None => named,
            });
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}
