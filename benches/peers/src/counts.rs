//! Numbers that are the same in each run: allocations, bytes, sends.

use std::{collections::BTreeMap, env, io, process::Command};

/// Runs a closure, and returns what this thread allocated in it.
pub type Meter = fn(&mut dyn FnMut()) -> Allocated;

#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    pub times: u64,
    /// The most bytes held at a time, beyond those held before.
    pub peak: u64,
    /// The bytes held afterwards beyond those held before.
    pub kept: i64,
}

/// A number, and its goal.
pub struct Count {
    pub what: String,
    pub value: u64,
    pub expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Exactly(u64),
    AtMost(u64),
    /// No goal: a peer's number, shown beside ours.
    Anything,
}

impl Count {
    pub fn new(what: impl Into<String>, value: u64, expected: Expected) -> Self {
        Self {
            what: what.into(),
            value,
            expected,
        }
    }

    pub fn is_as_expected(&self) -> bool {
        match self.expected {
            Expected::Exactly(value) => self.value == value,
            Expected::AtMost(value) => self.value <= value,
            Expected::Anything => true,
        }
    }
}

/// Returns the counts of the program `counts`, which is built along with this
/// one.
///
/// # Errors
///
/// If the program does not exist or fails.
pub fn counted() -> io::Result<BTreeMap<String, u64>> {
    let program = env::current_exe()?.with_file_name("counts");
    let output = Command::new(&program).output().map_err(|error| {
        io::Error::other(format!(
            "{}: {error}; build both programs",
            program.display()
        ))
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |line: &str| {
        let (what, value) = line.split_once('\t')?;
        Some((what.to_owned(), value.split('\t').next()?.parse().ok()?))
    };
    Ok(text.lines().filter_map(number).collect())
}
