//! Does the gateway of the examples forward what it should, and nothing else?

#[path = "../../examples/axum_gateway/gateway.rs"]
mod gateway;
#[path = "../../examples/axum_gateway/serve.rs"]
mod serve;
mod setup;

mod forwarding;
mod lifecycle;
mod secrets;
mod streaming;
