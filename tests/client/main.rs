//! Does the client of the `client` feature reach a server over real TLS and
//! through a real proxy, and does it say why if it cannot?

#[path = "../captured_log/mod.rs"]
mod captured_log;
mod fake_proxy;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod plain_server;
mod setup;
mod tinyproxy;
mod tls_server;

mod client_auth;
mod connections;
mod environment;
mod proxy;
mod requests;
mod runtimes;
mod secrets;
mod silence;
mod timeouts;
mod tls;
