//! What a user of tower-genesys asks about its cost, answered with numbers, beside what else does
//! a part of its work.
//!
//! One module of [`questions`] for each question. Each has `times`, run by the program `report`,
//! and `counts`, run by the program `counts`, which is the only one with a counting allocator.

pub mod api;
pub mod counts;
pub mod issuer;
pub mod loopback;
pub mod machine;
pub mod measure;
pub mod peers;
pub mod questions;
pub mod section;
