//! The store against dynalite, and against scripted answers where no emulator gives them.

#[path = "../../examples/shared_token/emulator.rs"]
mod emulator;

mod conformance;
mod failures;
mod items;
mod lost_answers;
mod script;
mod setup;
mod table;
