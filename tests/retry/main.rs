//! Is a request retried when a retry can help and is safe, and never otherwise?

mod setup;
mod sockets;

mod attempts;
mod calls;
mod errors;
mod no_load;
mod options;
mod order;
mod stack;
mod throttle;
mod wire;
