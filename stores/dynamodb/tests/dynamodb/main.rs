//! Tests the store against dynalite, and against scripted answers that no
//! emulator gives.

#[path = "../../examples/shared_token/emulator.rs"]
mod emulator;

mod conformance;
mod failures;
mod items;
mod lost_answers;
mod script;
mod setup;
mod table;
