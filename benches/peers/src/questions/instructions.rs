//! How many more instructions does a request take than with the bare service,
//! and how many does a token hit take? With ten thousand organisations in turn,
//! for how many cache lines does a request wait? valgrind counts the same
//! numbers in each run, even on a busy machine. There, reading a clock is a
//! system call, and hardly counts.

use std::{
    env, io,
    process::{Command, Stdio},
};

use super::{Counted, growth, one_request, token_hits};
use crate::{
    counts::{Count, Meter},
    measure::{Effort, Rounds},
    section::{Goal, Section},
};

/// The argument that has a process repeat one thing this many times.
pub const REPEAT: &str = "--repeat";

const HIT: &str = "a token hit";

/// The most instructions: the count and a twentieth more, since compilers
/// differ.
const MOST_FOR_A_HIT: u64 = 240;
const MOST_FOR_BEARER: u64 = 800;
const MOST_FOR_FOUR: u64 = 3450;

/// The most lines beyond those of the floor, in tenths: a request may need part
/// of one.
const MOST_LINES: u64 = 37;

/// A valgrind tool, and the text before its number.
struct Tool {
    arguments: &'static [&'static str],
    label: &'static str,
}

const INSTRUCTIONS: Tool = Tool {
    arguments: &["--tool=callgrind", "--callgrind-out-file=/dev/null"],
    label: "Collected : ",
};

/// A cache of a mebibyte, which has room for one organisation, and not for ten
/// thousand.
const LINES: Tool = Tool {
    arguments: &[
        "--tool=cachegrind",
        "--cachegrind-out-file=/dev/null",
        "--cache-sim=yes",
        "--I1=32768,8,64",
        "--D1=32768,8,64",
        "--LL=1048576,16,64",
    ],
    label: "LLd misses:",
};

/// Repeats the thing with this name this many times.
pub fn repeat(name: &str, times: u32) -> bool {
    match name {
        HIT => {
            token_hits::hit(times);
            true
        }
        _ => one_request::send(name, times) || growth::repeat(name, times),
    }
}

/// The counts for one repetition each of the hit and of the stacks of
/// [`one_request::COUNTED`].
fn counted() -> io::Result<Vec<(&'static str, u64)>> {
    let names = [HIT].into_iter().chain(one_request::COUNTED);
    let each = |name| {
        let thousand = more(&INSTRUCTIONS, name, 1000)?;
        Ok::<_, io::Error>((name, (thousand + 500) / 1000))
    };
    names.map(each).collect()
}

/// Tenths of cache lines for each request of [`growth::MANY`].
fn lines() -> io::Result<[u64; 2]> {
    let each = |name| Ok::<_, io::Error>(more(&LINES, name, 10_000)?.div_ceil(1000));
    let [floor, orgs] = growth::MANY.map(each);
    Ok([floor?, orgs?])
}

/// The cost of this many more repetitions. The start and the warm-up are the
/// same in both runs.
fn more(tool: &Tool, name: &str, times: u32) -> io::Result<u64> {
    Ok(all(tool, name, 2 * times)?.saturating_sub(all(tool, name, times)?))
}

fn all(tool: &Tool, name: &str, times: u32) -> io::Result<u64> {
    let program = env::current_exe()?.with_file_name("report");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(tool.arguments)
        .arg(program)
        .args([REPEAT, name, &times.to_string()])
        .stdin(Stdio::null());
    let output = valgrind.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = said
        .lines()
        .find_map(|line| line.split_once(tool.label))
        .and_then(|(_, numbers)| numbers.split_whitespace().next());
    counted
        .and_then(|number| number.replace(',', "").parse().ok())
        .filter(|_| output.status.success())
        .ok_or_else(|| io::Error::other(format!("{valgrind:?} has failed:\n{said}")))
}

pub fn counts(_meter: Meter) -> Vec<Count> {
    Vec::new()
}

pub fn sample(_effort: Effort) -> Vec<Rounds> {
    Vec::new()
}

pub fn table(_measured: &[Rounds], _counted: &Counted) -> Section {
    let counted = counted().expect("valgrind is installed, and counts");
    let of = |name: &str| {
        let found = counted.iter().find(|(known, _)| *known == name);
        found.map_or(0, |(_, number)| *number)
    };
    let [floor, add, bearer, retry, four] = one_request::COUNTED;
    let added = |name: &str| of(name).saturating_sub(of(floor));
    let row = |name: &str| vec![name.into(), added(name).to_string()];
    let mut rows = vec![vec![HIT.into(), of(HIT).to_string()]];
    rows.extend([add, bearer, retry, four].map(row));
    let most = |what: &str, number: u64, most: u64| {
        Goal::new(
            format!("{what}: at most {most} instructions"),
            number.to_string(),
            number <= most,
        )
    };
    let [floor_lines, org_lines] = lines().expect("valgrind is installed, and counts");
    let more_lines = org_lines.saturating_sub(floor_lines);
    let tenths = |number: u64| format!("{}.{}", number / 10, number % 10);
    let [floor_of_many, many] = growth::MANY;
    rows.push(vec![
        format!("{many} in turn, beyond {floor_of_many}: cache misses"),
        tenths(more_lines),
    ]);
    Section {
        name: "instructions",
        columns: vec!["", "instructions, beyond those of the bare service"],
        rows,
        goals: vec![
            most(HIT, of(HIT), MOST_FOR_A_HIT),
            most(bearer, added(bearer), MOST_FOR_BEARER),
            most(four, added(four), MOST_FOR_FOUR),
            Goal::new(
                format!(
                    "{many} in turn: at most {} cache misses",
                    tenths(MOST_LINES)
                ),
                tenths(more_lines),
                more_lines <= MOST_LINES,
            ),
        ],
    }
}
