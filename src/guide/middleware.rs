//! The layers one by one, with a custom token source, classifier and layer; and
//! a custom token store.
//!
//! ```no_run
#![doc = include_str!("../../examples/own_middleware.rs")]
//! ```
//!
//! - A [`TokenSource`](crate::token::TokenSource) fetches a token: one request,
//!   no cache, no retry. [`TokenCache`](crate::TokenCache) does the rest. An
//!   async closure is a source through [`source_fn`](crate::token::source_fn).
//! - [`Classify`](crate::retry::Classify) says what a failure means. Delegate
//!   every failure that you do not know to
//!   [`BoxErrorClassifier`](crate::retry::BoxErrorClassifier).
//! - A layer **outside** [`Replay`](crate::replay) sees the request once, with
//!   the caller's body. A layer further in sees each attempt, with
//!   [`Attempt`](crate::retry::Attempt) in its extensions from the second one
//!   on. Make it generic over the body, and do not poll the body. A layer
//!   inside [`Bearer`](crate::bearer) sees the token.
//! - Wrap an error that no resend can cure in
//!   [`Refused`](crate::call::Refused).
//! - The [page on ordering](super::ordering) shows where the layers of tower
//!   and tower-http go.
//!
//! # A token store
//!
//! A [`TokenStore`](crate::store::TokenStore) has three operations. Each
//! changes one row atomically: by a transaction of a database, or a script of a
//! cache server. `store_conformance!` (feature `testing`) tests every rule.
//!
//! ```no_run
//! mod table {
#![doc = include_str!("../../examples/own_store/table.rs")]
//! }
//! # fn main() {}
//! ```
//!
//! The example tests the store, and then shares it between two organisations:
//!
//! ```text
#![doc = include_str!("../../examples/own_store/main.rs")]
//! ```
