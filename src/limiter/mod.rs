//! The part of one process in keeping a shared limit: it reserves slots ahead,
//! makes requests wait for them, and keeps to its share while it cannot reach
//! the book.
//!
//! `state.rs` decides, from the knowledge of its parts: `line.rs` is the queue,
//! `slots.rs` the slots at hand, `agreed.rs` the limit, `contact.rs` whether
//! the book is within reach, and `notice.rs` the news that were reported
//! already. None of them has a clock, a task or a lock. `handle.rs` has the
//! lock, `effect.rs` lists the work that follows after it, and `asking.rs`
//! executes reservations.

mod agreed;
mod asking;
mod contact;
mod effects;
mod handle;
mod line;
mod slots;
mod state;

pub(crate) use asking::KeySource;
pub(crate) use handle::Limiter;
pub(crate) use line::Joined;

#[cfg(all(test, stateright))]
mod model;
