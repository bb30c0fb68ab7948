//! Each question is asked in several processes, one after the other. Where the stack and the heap of
//! a process are is drawn by lot when it starts, and decides by some ten nanoseconds what the same
//! program takes for a request: rounds in one process all have the same luck.

use std::{env, io, process::Command};

use crate::{
    measure::{Effort, Rounds},
    questions::Question,
};

/// The argument by which a process is asked to measure and to print, and the name of what.
pub const SAMPLE: &str = "--sample";

/// What all processes have measured.
///
/// # Errors
///
/// When a process cannot be started, fails, or prints something else.
pub fn sample(question: &Question, effort: Effort, arguments: &[&str]) -> io::Result<Vec<Rounds>> {
    let mut all = Vec::<Rounds>::new();
    for _ in 0..effort.processes {
        let mut process = Command::new(env::current_exe()?);
        process.args([SAMPLE, question.name]).args(arguments);
        let output = process.stderr(std::process::Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rounds = parse(&text).filter(|_| output.status.success());
        let rounds = rounds.ok_or_else(|| io::Error::other(format!("{process:?} has failed")))?;
        all.resize_with(rounds.len(), Rounds::default);
        all.iter_mut()
            .zip(rounds)
            .for_each(|(all, more)| all.extend(more));
    }
    Ok(all)
}

/// A line for each case of each part: the number of the part, the name, and the samples.
pub fn print(parts: &[Rounds]) {
    for (number, part) in parts.iter().enumerate() {
        for (name, samples) in &part.0 {
            let samples: Vec<_> = samples.iter().map(f64::to_string).collect();
            println!("{number}\t{name}\t{}", samples.join("\t"));
        }
    }
}

fn parse(text: &str) -> Option<Vec<Rounds>> {
    let mut parts = Vec::<Rounds>::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let number: usize = fields.next()?.parse().ok()?;
        let name = fields.next()?.to_owned();
        let samples = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
        parts.resize_with(parts.len().max(number + 1), Rounds::default);
        parts[number].0.push((name, samples));
    }
    Some(parts)
}
