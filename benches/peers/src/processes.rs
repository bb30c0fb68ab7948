//! Each question is measured in several processes, one after the other. The
//! addresses of stack and heap are random in each process, and change the time
//! of a request by some ten nanoseconds. All rounds in one process share these
//! addresses.

use std::{
    env, io,
    process::{Command, Stdio},
};

use crate::{
    measure::{Effort, Rounds},
    questions::Question,
};

/// The argument that has a process measure a question and print the samples.
pub const SAMPLE: &str = "--sample";

/// Runs the processes, and returns the samples of all of them.
///
/// # Errors
///
/// When a process cannot be started, fails, or prints something else.
pub fn sample(question: &Question, effort: Effort) -> io::Result<Vec<Rounds>> {
    let mut all = Vec::new();
    for _ in 0..effort.processes {
        let mut process = Command::new(env::current_exe()?);
        process.args([SAMPLE, question.name]).args(effort.argument);
        let output = process.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let taken_in = text.lines().try_for_each(|line| take_in(line, &mut all));
        if taken_in.is_none() || !output.status.success() {
            return Err(io::Error::other(format!("{process:?} has failed")));
        }
    }
    Ok(all)
}

/// A line for each case of each part: the number of the part, the name, and the
/// samples.
pub fn print(parts: &[Rounds]) {
    for (number, part) in parts.iter().enumerate() {
        for (name, samples) in &part.0 {
            let samples: Vec<_> = samples.iter().map(f64::to_string).collect();
            println!("{number}\t{name}\t{}", samples.join("\t"));
        }
    }
}

fn take_in(line: &str, parts: &mut Vec<Rounds>) -> Option<()> {
    let mut fields = line.split('\t');
    let number: usize = fields.next()?.parse().ok()?;
    let name = fields.next()?.to_owned();
    let samples = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    parts.resize_with(parts.len().max(number + 1), Rounds::default);
    parts[number].extend(name, samples);
    Some(())
}
