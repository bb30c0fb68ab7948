//! Numbers that are the same in each run: allocations, bytes, sends.

use std::{collections::BTreeMap, env, io, process::Command};

/// Runs something, and says what this thread allocated in it.
pub type Meter = fn(&mut dyn FnMut()) -> Allocated;

#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    pub times: u64,
    /// The most bytes held at a time, beyond those held before.
    pub peak: u64,
    /// Bytes held more than before.
    pub kept: i64,
}

/// A number, and what it has to be.
pub struct Count {
    pub what: String,
    pub value: u64,
    pub expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Exactly(u64),
    AtMost(u64),
    /// Of a peer: it is shown beside ours.
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

/// What the program `counts`, built along with this one, has counted.
///
/// # Errors
///
/// When it is not there, or has failed.
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
