//! The layers one by one, with a token source, a classifier and a layer of your own; and a token
//! store of your own.
//!
//! ```no_run
#![doc = include_str!("../../examples/own_middleware.rs")]
//! ```
//!
//! - [`TokenSource`](crate::TokenSource) gets a token: one request, no cache, no retry.
//!   [`TokenCache`](crate::TokenCache) around it does the rest, also for a source that is an async
//!   closure ([`source_fn`](crate::source_fn)).
//! - [`Classify`](crate::retry::Classify) says what a failure means. Ask
//!   [`BoxErrorClassifier`](crate::retry::BoxErrorClassifier) about all that you know no better of.
//! - A layer **outside** of [`Replay`](crate::replay) has the request once, with the caller's body. One
//!   further in has it for each attempt, with [`Attempt`](crate::retry::Attempt) in its extensions from
//!   the second on, and takes any body: be generic over it, and do not poll it. One inside of
//!   [`Bearer`](crate::bearer) sees the token.
//! - An error of yours that no resend can cure goes into [`Refused`](crate::call::Refused).
//! - Where the layers of tower and tower-http go is [a page of its own](super::ordering).
//!
//! # A token store
//!
//! [`TokenStore`](crate::TokenStore) has three operations, each of which changes one row, alone: a transaction of a
//! database, or a script of a cache server. `store_conformance!` (feature `testing`) proves it, by a test for each rule.
//!
//! ```no_run
//! mod table {
#![doc = include_str!("../../examples/own_store/table.rs")]
//! }
//! # fn main() {}
//! ```
//!
//! It is proven, and then shared by two organisations:
//!
//! ```text
#![doc = include_str!("../../examples/own_store/main.rs")]
//! ```
