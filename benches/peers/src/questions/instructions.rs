//! How many instructions does a request take more than with the bare service, and how many a token
//! hit? Counted by valgrind, in which they are the same in each run, on a busy machine too. Reading
//! a clock is a system call there, and hardly counted.

use std::{
    env, io,
    process::{Command, Stdio},
};

use super::{Counted, one_request, token_hits};
use crate::{
    counts::{Count, Meter},
    measure::{Effort, Rounds},
    section::{Goal, Section},
};

/// The argument by which a process is asked to do one thing so many times, and nothing else.
pub const REPEAT: &str = "--repeat";

const HIT: &str = "a token hit";

/// The most instructions: a tenth more than counted, since compilers differ.
const MOST_FOR_A_HIT: u64 = 240;
const MOST_FOR_BEARER: u64 = 880;
const MOST_FOR_FOUR: u64 = 3850;

/// Does what this name says so many times.
pub fn repeat(name: &str, times: u32) -> bool {
    match name {
        HIT => {
            token_hits::hit(times);
            true
        }
        _ => one_request::send(name, times),
    }
}

/// For one time each: the hit, and the stacks of [`one_request::COUNTED`].
fn counted() -> io::Result<Vec<(&'static str, u64)>> {
    let names = [HIT].into_iter().chain(one_request::COUNTED);
    names.map(|name| Ok((name, each(name)?))).collect()
}

/// What a thousand more add: to start and to warm up takes the same in both runs.
fn each(name: &str) -> io::Result<u64> {
    let more = all(name, 2000)?.saturating_sub(all(name, 1000)?);
    Ok((more + 500) / 1000)
}

fn all(name: &str, times: u32) -> io::Result<u64> {
    let program = env::current_exe()?.with_file_name("report");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([REPEAT, name, &times.to_string()])
        .stdin(Stdio::null());
    let output = valgrind.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let number = collected.and_then(|(_, number)| number.trim().parse().ok());
    number
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
    Section {
        name: "instructions",
        columns: vec!["", "instructions, beyond those of the bare service"],
        rows,
        goals: vec![
            most(HIT, of(HIT), MOST_FOR_A_HIT),
            most(bearer, added(bearer), MOST_FOR_BEARER),
            most(four, added(four), MOST_FOR_FOUR),
        ],
    }
}
