//! Does the whole stack do its job over a real HTTP client, with exactly the
//! necessary calls?

#[path = "../fixtures/mod.rs"]
mod fixtures;
mod setup;

mod failures;
mod lists;
mod organisations;
mod refused_tokens;
mod throttling;
mod uploads;
