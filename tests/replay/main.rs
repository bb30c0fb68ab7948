//! Are bodies sent again as they were, and never when they must not be?

mod script;

mod body;
mod layer;
mod model;
mod wire;
