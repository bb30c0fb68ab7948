//! A short program that runs repeatedly: one token for all runs, and a token
//! that outlives a pipeline.
//!
//! - [`FileStore`](crate::store::file::FileStore) keeps the token in a
//!   directory that only its owner can read, such as
//!   `$XDG_CACHE_HOME/my-program`. Concurrent runs make one token request.
//! - [`token_valid_for`](crate::TokenCache::token_valid_for) serves programs
//!   that cannot renew a token, such as a pipeline of half an hour that has it
//!   in its environment. If the cached token has less time left, it fetches a
//!   new one. A new token of another run does not end the pipeline's token.
//! - In CI, keep the directory where it outlives the job: on a self-hosted
//!   runner, or in the job's workspace for several steps. Do not put it into a
//!   cache that other branches or forks restore, unless it is
//!   [sealed](crate::store#sealing) with a key that they do not have.
//! - A busy disk is slower than a server in the network: an operation may take
//!   two seconds, which
//!   [`with_operation_timeout`](crate::Sharing::with_operation_timeout)
//!   changes. A program whose store times out fetches its own token.
//! - To log out, send `DELETE /api/v2/tokens/me` and delete the directory.
//!
//! `cargo run --all-features --example command_line` runs itself four times.
//!
//! ```no_run
#![doc = include_str!("../../examples/command_line.rs")]
//! ```
