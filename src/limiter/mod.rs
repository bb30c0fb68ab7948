//! The part of one process in keeping a shared limit: it takes slots ahead, has requests wait for
//! them, and keeps to its share without the book.
//!
//! `state.rs` decides, by what its parts know: `line.rs` is the queue, `slots.rs` the slots at hand, `agreed.rs` the limit,
//! `contact.rs` whether the book is within reach, `notice.rs` what was told already. None of them has a clock, a task or a
//! lock. `handle.rs` is the lock, and `effect.rs` what is done after it; `asking.rs` carries reservations out.

mod agreed;
mod asking;
mod contact;
mod effect;
mod handle;
mod line;
mod notice;
mod slot;
mod slots;
mod state;

pub(crate) use asking::KeySource;
pub(crate) use handle::Limiter;
pub(crate) use line::Joined;

#[cfg(all(test, stateright))]
mod model;
