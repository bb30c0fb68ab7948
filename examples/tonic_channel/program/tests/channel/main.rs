//! Do the layers fit around tonic's channel, and other bodies than hyper's?

#[path = "../../../client.rs"]
mod client;
#[path = "../../echo.rs"]
mod echo;
#[path = "../../text.rs"]
mod text;

mod bodies;
mod channel;
