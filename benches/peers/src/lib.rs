//! A user's questions about the cost of tower-genesys, answered with numbers,
//! next to other crates that do a part of its work.
//!
//! Each question is a module of [`questions`]. Each module has `sample`, which
//! the program `report` runs in several processes to take times, `table`, which
//! turns all of these into a table, and `counts`, which the program `counts`
//! runs. Only that program has a counting allocator.

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
