//! Does the gateway of the examples forward the requests on its list, and
//! nothing else?

#[path = "../../../gateway.rs"]
mod gateway;
#[path = "../../../serve.rs"]
mod serve;
mod setup;

mod forwarding;
mod lifecycle;
mod secrets;
mod streaming;
