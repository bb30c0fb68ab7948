//! Do the layers fit around tonic's channel, and other bodies than hyper's?

#[path = "../../examples/tonic_channel/client.rs"]
mod client;
#[path = "../../examples/tonic_channel/echo.rs"]
mod echo;
#[path = "../../examples/tonic_channel/text.rs"]
mod text;

mod bodies;
mod channel;
