use std::{ffi::OsString, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};

use crate::{conversation::Format, interval::Interval};

pub(crate) const HELP: &str = "\
Writes the conversations of an interval to a file, one a line, and counts them by media type and day.

Usage: conversation_report [OPTIONS] [INTERVAL]

  INTERVAL          as the API writes it, 2026-01-05T00:00:00Z/2026-01-12T00:00:00Z;
                    by default the seven whole days (UTC) before today;
                    more than seven days are read in slices of seven, one after the other

  --output FILE     where to; by default conversations.csv or conversations.jsonl, here
  --format FORMAT   csv or jsonl; by default by the name of FILE, or else csv
  --job             by a job of the API, in one piece: for more than 100,000 conversations in seven days,
                    and for those that started earlier and were active in the interval
  --restart         start afresh: empties FILE, and forgets how far it had come
  -h, --help        this

With GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET and GENESYS_REGION in the environment it asks Genesys
Cloud. Without, it serves itself one that makes trouble, and writes to demo-conversations.csv or
demo-conversations.jsonl, here, unless --output is there.

It can be interrupted at any moment, by Ctrl-C or by a power cut. The same command then goes on where
it was: FILE.state says how far that is. It is gone when the report is complete.

Exit codes: 0 complete; 1 failed, and the same command goes on; 2 wrong arguments; 3 it cannot be
gone on with, and the message says why; 4 conversations are missing or came twice; 5 another run writes to FILE;
130 interrupted, and the same command goes on; 141 nobody reads its output any more, and the same command
goes on if the report was not complete.";

/// What the command line asks for.
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
    /// Of what stands behind the program's name.
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
