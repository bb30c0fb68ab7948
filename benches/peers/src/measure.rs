//! Times, taken in rounds. Each round runs every case once, in rotating order,
//! so that a disturbance of the machine affects all cases. Differences and
//! ratios are taken within a round.

use std::time::{Duration, Instant};

/// The extent of a measurement: large for the table in the docs, and small to
/// check that everything runs.
#[derive(Clone, Copy)]
pub struct Effort {
    /// The number of processes, each with its own rounds: see
    /// [`processes`](crate::processes).
    pub processes: usize,
    /// The argument that tells the processes.
    pub argument: Option<&'static str>,
    pub rounds: usize,
    /// The divisor of the repetitions in a round.
    pub divisor: u32,
}

impl Effort {
    pub const FULL: Self = Self {
        processes: 12,
        argument: None,
        rounds: 2,
        divisor: 1,
    };
    pub const QUICK: Self = Self {
        processes: 2,
        argument: Some("--quick"),
        rounds: 2,
        divisor: 10,
    };

    pub fn repeat(self, times: u32) -> u32 {
        (times / self.divisor).max(1)
    }
}

pub struct Case<'a> {
    name: &'static str,
    sample: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Case<'a> {
    /// A case that measures its time itself.
    pub fn new(name: &'static str, sample: impl FnMut() -> f64 + 'a) -> Self {
        let sample = Box::new(sample);
        Self { name, sample }
    }

    /// A case in nanoseconds for one of `times` repetitions.
    pub fn each(name: &'static str, times: u32, mut run: impl FnMut(u32) + 'a) -> Self {
        Self::new(name, move || {
            let start = Instant::now();
            run(times);
            nanoseconds(start.elapsed()) / f64::from(times)
        })
    }

    /// Takes one sample.
    pub fn take(&mut self) -> f64 {
        (self.sample)()
    }
}

pub fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// The samples of each case, round by round.
#[derive(Default)]
pub struct Rounds(pub Vec<(String, Vec<f64>)>);

pub fn interleave(mut cases: Vec<Case<'_>>, rounds: usize) -> Rounds {
    let named = |case: &Case<'_>| (case.name.to_owned(), Vec::new());
    let mut samples: Vec<_> = cases.iter().map(named).collect();
    // The first round warms up.
    for round in 0..=rounds {
        for turn in 0..cases.len() {
            let index = (round + turn) % cases.len();
            let sample = cases[index].take();
            if round > 0 {
                samples[index].1.push(sample);
            }
        }
    }
    Rounds(samples)
}

impl Rounds {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub fn of(&self, name: &str) -> Spread {
        Spread::of(self.samples(name).to_vec())
    }

    /// The time of the case beyond that of the floor.
    pub fn added(&self, name: &str, floor: &str) -> Spread {
        self.paired(name, floor, |one, floor| one - floor)
    }

    pub fn ratio(&self, name: &str, floor: &str) -> Spread {
        self.paired(name, floor, |one, floor| one / floor)
    }

    /// The ratio of the case here to the same case there, round by round.
    pub fn against(&self, there: &Self, name: &str) -> Spread {
        let both = self.samples(name).iter().zip(there.samples(name));
        Spread::of(both.map(|(here, there)| here / there).collect())
    }

    /// A number that is computed from each round.
    pub fn each_round(&self, number: impl Fn(&dyn Fn(&str) -> f64) -> f64) -> Spread {
        let rounds = self.0.first().map_or(0, |(_, samples)| samples.len());
        let of = |round: usize| number(&|name: &str| self.samples(name)[round]);
        Spread::of((0..rounds).map(of).collect())
    }

    fn paired(&self, name: &str, floor: &str, number: fn(f64, f64) -> f64) -> Spread {
        self.each_round(|of| number(of(name), of(floor)))
    }

    pub fn samples(&self, name: &str) -> &[f64] {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no case {name}")).1
    }

    /// Adds samples of a case that another process has taken.
    pub fn extend(&mut self, name: String, samples: Vec<f64>) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(samples),
            None => self.0.push((name, samples)),
        }
    }
}

/// The median, and the quartiles around it.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |quarter: usize| samples[(samples.len() - 1) * quarter / 4];
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }

    pub fn show(self, decimals: usize) -> String {
        let Self { low, median, high } = self;
        format!("{median:.decimals$} ({low:.decimals$} to {high:.decimals$})")
    }

    pub fn scaled(self, factor: f64) -> Self {
        Self {
            low: self.low * factor,
            median: self.median * factor,
            high: self.high * factor,
        }
    }
}
