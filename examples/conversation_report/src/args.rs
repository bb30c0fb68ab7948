use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};

use crate::{conversation::Format, interval::Interval};

pub(crate) const HELP: &str = "\
Writes the conversations of an interval to a file, one per line, and counts them by media type and day.

Usage: conversation_report [OPTIONS] [INTERVAL]

  INTERVAL          as the API writes it, 2026-01-05T00:00:00Z/2026-01-12T00:00:00Z;
                    by default the seven whole days (UTC) before today;
                    more than seven days are read in slices of seven, one after the other

  --output FILE     the file to write; by default conversations.csv or conversations.jsonl in this folder
  --format FORMAT   csv or jsonl; by default by the name of FILE, or else csv
  --job             use a job of the API, in one piece: for more than 100,000 conversations in seven days,
                    and for those that started earlier and were active in the interval
  --restart         start from scratch: empties FILE, and discards its progress
  -h, --help        show this help

With GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_REGION in the environment it asks Genesys
Cloud. Without them, it asks a mock that causes trouble, and writes to demo-conversations.csv or
demo-conversations.jsonl in this folder, unless --output is set.

It may be interrupted at any moment, by Ctrl-C or by a power cut. The same command then continues where
it was: FILE.state contains the progress, and is removed when the report is complete.

Exit codes: 0 complete; 1 failed, and the same command continues; 2 wrong arguments; 3 the report cannot be
continued, and the message says why; 4 conversations are missing or came twice; 5 another run writes to FILE;
130 interrupted, and the same command continues; 141 the reader of its output is gone, and the same command
continues if the report was not complete.";

/// The settings on the command line.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) interval: Option<Interval>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) format: Option<Format>,
    pub(crate) job: bool,
    pub(crate) restart: bool,
    pub(crate) help: bool,
}

impl Args {
    /// Parses the arguments after the program's name.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, lexopt::Error> {
        let mut args = Parser::from_args(args);
        let mut parsed = Self::default();
        while let Some(arg) = args.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => parsed.help = true,
                Arg::Long("output") => parsed.output = Some(args.value()?.into()),
                Arg::Long("format") => parsed.format = Some(args.value()?.parse()?),
                Arg::Long("job") => parsed.job = true,
                Arg::Long("restart") => parsed.restart = true,
                Arg::Value(interval) if parsed.interval.is_none() => {
                    parsed.interval = Some(interval.parse()?);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(parsed)
    }

    pub(crate) fn format(&self) -> Format {
        let by_name = || {
            let extension = self.output.as_ref()?.extension()?;
            extension.to_str()?.parse().ok()
        };
        self.format.or_else(by_name).unwrap_or(Format::Csv)
    }
}
