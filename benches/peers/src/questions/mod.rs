//! One module for each question. The crate's bench `store`, which starts a
//! server, measures the cost of a shared store.

pub mod end_to_end;
pub mod growth;
pub mod instructions;
pub mod memory;
pub mod one_request;
pub mod revoked;
pub mod token_hits;
pub mod upload;
pub mod weight;

use std::collections::BTreeMap;

use crate::{
    counts::{Count, Meter},
    measure::{Effort, Rounds},
    section::Section,
};

/// Numbers by what they count, for the questions whose tables have both times
/// and counts.
pub type Counted = BTreeMap<String, u64>;

pub struct Question {
    pub name: &'static str,
    /// Takes the times of each part of the question in this process.
    pub sample: fn(Effort) -> Vec<Rounds>,
    /// Turns the times of several processes into a table.
    pub table: fn(&[Rounds], &Counted) -> Section,
    pub counts: fn(Meter) -> Vec<Count>,
}

macro_rules! questions {
    ($($name:ident),* $(,)?) => {
        &[$(Question {
            name: stringify!($name),
            sample: $name::sample,
            table: $name::table,
            counts: $name::counts,
        }),*]
    };
}

pub const ALL: &[Question] = questions![
    one_request,
    instructions,
    token_hits,
    revoked,
    end_to_end,
    upload,
    growth,
    memory,
    weight
];
