//! Are bodies resent unchanged, and never when they must not be?

mod script;

mod body;
mod layer;
mod model;
mod wire;
