//! The checks of code that reads foreign bytes: one file for each fuzz target.
//! Each has a `check`, which panics if the code breaks its promise for these
//! bytes. `tests/fuzz_corpora.rs` runs the same checks over the committed
//! corpora.

mod answer;
pub mod api_error;
pub mod region;
pub mod retry_after;
pub mod token_response;
pub mod www_authenticate;
