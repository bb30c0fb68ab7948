//! What processes, a store and the network can do to each other, explored by a
//! model checker. Each transition calls the rules that the stores keep, in
//! `record.rs`.
//!
//! Run by `make model` (`--cfg stateright`). Break a rule, and a property fails
//! with the steps that led there.

mod tokens;
