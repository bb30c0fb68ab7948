//! Is a request sent again when that helps and does no harm, and never
//! otherwise?

mod setup;

mod calls;
mod errors;
mod no_load;
mod options;
mod order;
mod stack;
mod throttle;
mod wire;
