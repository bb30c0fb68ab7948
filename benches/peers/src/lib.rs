//! What a user of tower-genesys asks about its cost, answered with numbers,
//! beside what else does a part of its work.
//!
//! One module of [`questions`] for each question. Each has `sample`, which the
//! program `report` runs in several processes to take times, `table`, which it
//! makes of all of these, and `counts`, run by the program `counts`, which is
//! the only one with a counting allocator.

pub mod api;
pub mod counts;
pub mod issuer;
pub mod loopback;
pub mod machine;
pub mod measure;
pub mod peers;
pub mod pictures;
pub mod processes;
pub mod questions;
pub mod section;
