//! Does `RedisStore` keep the rules of a `TokenStore` on a real server,
//! whatever happens to that server?
//!
//! Each test starts its own `redis-server`, and fails if it is not installed.

#[path = "../fixtures/mod.rs"]
mod fixtures;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod setup;

mod addresses;
mod books;
mod client_certificates;
mod cluster;
mod conformance;
mod damage;
mod environment;
mod faults;
mod keys;
mod refusals;
mod rights;
mod rules;
mod secrets;
mod sentinel;
mod trips;
mod versions;
