use std::{cell::Cell, io::IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, and a line for each tenth elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    tenths: Cell<u64>,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:40} {pos}/{len} conversations, {elapsed} so far, {eta} to go",
            );
            let bar = ProgressBar::new(total);
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            total,
            tenths: Cell::new(0),
        }
    }

    pub(crate) fn set(&self, done: u64) {
        if let Some(bar) = &self.bar {
            return bar.set_position(done);
        }
        let tenths = done * 10 / self.total.max(1);
        if tenths > self.tenths.replace(tenths) {
            eprintln!("{done} of {} conversations", self.total);
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}
