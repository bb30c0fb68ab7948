//! Do the layers work around tonic's channel, and with other bodies than
//! hyper's?

#[path = "../../../client.rs"]
mod client;
#[path = "../../echo.rs"]
mod echo;
#[path = "../../text.rs"]
mod text;

mod bodies;
mod channel;
