//! Does the whole stack survive all that happens to tokens? In memory, on the
//! paused clock, with exact counts. Tests with jitter seed `fastrand`, which
//! supplies it, for their own thread.

#[path = "../captured_log/mod.rs"]
mod captured_log;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod setup;

mod api_errors;
mod limits;
mod many_callers;
mod organisations;
mod origins;
mod secrets;
mod token_endpoint;
mod token_life;
