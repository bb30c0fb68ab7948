//! What must hold whatever foreign bytes say: one file for each fuzz target,
//! which panics when it does not. `tests/fuzz_corpora.rs` runs the same checks
//! over the committed corpora.

mod answer;
pub mod api_error;
pub mod region;
pub mod retry_after;
pub mod token_response;
pub mod www_authenticate;
