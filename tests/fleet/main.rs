//! Do processes that share a token on a real Redis survive what happens to
//! them, to the server and to the token endpoint?
//!
//! Each process is one of the system's: this program once more, which does what
//! it is told by lines on its standard input, and can be killed and frozen. The
//! token endpoint and the API are a `MockServer`, which counts.

#[path = "../fixtures/mod.rs"]
mod fixtures;
#[path = "../redis_server/mod.rs"]
mod redis_server;

mod process;
mod setup;
mod worker;

mod clocks;
mod cold_start;
mod frozen_leader;
mod killed_leader;
mod killed_test;
mod limit;
mod limit_topologies;
mod lost_writes;
mod outage;
mod rejected;
mod rotation;
mod secrets;
mod slow_store;
mod throttled;
mod topologies;
mod unusable;
