//! Where do the layers of tower and tower-http go? Each line of
//! `docs/ordering.md` has its test here.

#[path = "../captured_log/mod.rs"]
mod captured_log;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod setup;

mod breaker;
mod buffer;
mod cache;
mod decompression;
mod limits;
mod redirects;
mod timeout;
mod trace;
