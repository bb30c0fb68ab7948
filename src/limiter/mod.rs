//! What one process does to keep a shared limit: it takes slots ahead, has requests wait for them,
//! and goes on by itself without the book.
//!
//! `state.rs` decides and `line.rs` is the queue; neither has a clock, a task or a lock. `handle.rs`
//! is the lock, and what is done after it; `asking.rs` carries reservations out.

mod asking;
mod handle;
mod line;
mod state;

pub(crate) use asking::KeySource;
pub(crate) use handle::Limiter;
pub(crate) use line::Joined;
