use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::{count, note};

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Headway {
    /// The number of the current slice. The first is 1.
    pub(crate) slice: u64,
    pub(crate) slices: u64,
    /// How many conversations of this slice were read.
    pub(crate) read: u64,
    /// How many conversations this slice finds, if the API has said so.
    pub(crate) found: Option<u64>,
}

impl Headway {
    /// The name of the slice, if there are several.
    fn name(&self) -> Option<String> {
        let Self { slice, slices, .. } = self;
        (*slices > 1).then(|| format!("slice {slice} of {slices}"))
    }

    /// The value that must grow for another line. If the number of
    /// conversations is not known, there is a line for every ten thousand.
    fn step(&self) -> (u64, u64) {
        let tenths = self.found.map(|found| self.read * 10 / found.max(1));
        (self.slice, tenths.unwrap_or(self.read / 10_000))
    }

    fn line(&self) -> String {
        let named = count(
            self.found.unwrap_or(self.read),
            "conversation",
            "conversations",
        );
        let read = match self.found {
            Some(_) => format!("{} of {named}", self.read),
            None => named,
        };
        self.name()
            .map_or(read.clone(), |name| format!("{name}: {read}"))
    }
}

/// A bar on a terminal, and a line for each tenth of a slice elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    step: Option<(u64, u64)>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{msg}{wide_bar} {pos}/{len} in {elapsed}, {eta} to go",
            );
            let bar = ProgressBar::no_length();
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, step: None }
    }

    pub(crate) fn set(&mut self, headway: &Headway) {
        let before = self.step.replace(headway.step());
        let grown = before.is_none_or(|before| headway.step() > before);
        let Some(bar) = &self.bar else {
            if grown {
                note(&headway.line());
            }
            return;
        };
        if before.is_none_or(|(slice, _)| slice < headway.slice) {
            // The remaining time is that of the slice, since the rows of the
            // next slices are not known yet.
            bar.reset_eta();
            let name = headway.name();
            bar.set_message(name.map_or(String::new(), |name| format!("{name} ")));
        }
        if let Some(found) = headway.found {
            bar.set_length(found);
        }
        bar.set_position(headway.read);
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_slice_if_there_are_several() {
        let one = Headway {
            slice: 1,
            slices: 1,
            read: 300,
            found: Some(550),
        };
        assert_eq!(one.line(), "300 of 550 conversations");
        let job = Headway { found: None, ..one };
        assert_eq!(job.line(), "300 conversations");
        let second = Headway {
            slice: 2,
            slices: 5,
            ..one
        };
        assert_eq!(second.line(), "slice 2 of 5: 300 of 550 conversations");
        let begun = Headway { read: 0, ..second };
        assert!(begun.step() < second.step() && one.step() < begun.step());
    }
}
