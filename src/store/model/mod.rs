//! What processes, a store and the network can do to each other, explored by a model checker. Each transition calls the
//! rules that the stores keep: `slot.rs` for a token, `book/rules.rs` for a shared limit.
//!
//! Run by `make model` (`--cfg stateright`). Break a rule, and a property fails with the steps that led there.

mod slots;
mod tokens;
