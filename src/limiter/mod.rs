//! The part of one process in keeping a shared limit: it reserves slots ahead,
//! makes sends wait for them, and keeps to its share while it cannot reach the
//! book, the store's record of the slots.
//!
//! # The protocol
//!
//! - **Who reserves.** A send that finds no slot starts a reservation: one
//!   operation of the book, for all sends that wait. A process without any slot
//!   also reserves as many as it used in the last 0.9 seconds. There is one
//!   reservation at a time, in a task that belongs to no send, so a dropped
//!   send cancels nothing.
//! - **Who releases.** Nothing releases a slot: a slot is a time, and is used
//!   by the send that goes then. A slot that passes unused, or that begins
//!   before the end of a `Retry-After`, is returned to the book with the next
//!   reservation. A send that leaves the queue passes its slot to the next
//!   one.
//! - **What is agreed.** The lowest limit that any process states, which each
//!   grant reports. A limit that a 429 names counts as stated. A process that
//!   states none uses the limit of the others. The process that gets a 429
//!   reports it, and each grant tells the other processes how long they must
//!   wait.
//! - **Without the book.** After a failure the process makes slots up, at the
//!   last known limit divided by the last known number of processes, and asks
//!   the book again after 10 to 12 seconds. The first grant ends that: the
//!   process drops its made-up slots, and the book drops the burst that it had
//!   saved. A process that has never reached the book sends without slots, and
//!   asks as often. A process that knows no limit sends without slots, and asks
//!   every 45 to 60 seconds.
//! - **Deadlines.** A send whose slot would certainly begin after its deadline
//!   goes without a slot, and gets the server's response. The limit fails no
//!   request.
//!
//! # The files
//!
//! `state.rs` decides, from the knowledge of its parts: `line.rs` is the queue,
//! `slots.rs` the slots at hand, `agreed.rs` the limit, and `contact.rs`
//! whether the book is within reach. `effects.rs` lists the work that follows a
//! decision, and knows which events are news. None of them has a clock, a task
//! or a lock. `handle.rs` has the lock, and `asking.rs` executes reservations.

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
