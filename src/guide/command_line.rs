//! A program that runs for a moment, again and again: one token for all runs, and one that lasts
//! for what follows.
//!
//! - [`FileStore`](crate::store::FileStore) keeps the token in a directory that nobody else can
//!   read, such as `$XDG_CACHE_HOME/my-program`. Runs at the same time make one token request.
//! - [`token_valid_for`](crate::TokenCache::token_valid_for) is for what cannot renew a token: a
//!   pipeline of half an hour that has it in its environment. One with less left is replaced before
//!   it begins. While a pipeline runs, others that get a new token leave its token alone.
//! - In CI, the directory is worth something where it outlives the job: on a runner of your own, or
//!   in the job's own workspace for several steps. Do not put it into a cache that other branches
//!   or forks restore, unless it is [sealed](crate::store#sealing) by a key that they have not.
//! - A disk that is busy takes longer than a server in the network: an operation has two seconds,
//!   which [`with_operation_timeout`](crate::Sharing::with_operation_timeout) changes. A program
//!   that gives up on its store gets a token of its own.
//! - To log out, delete the directory, and the token by `DELETE /api/v2/tokens/me`.
//!
//! `cargo run --all-features --example command_line` runs itself four times.
//!
//! ```no_run
#![doc = include_str!("../../examples/command_line.rs")]
//! ```
