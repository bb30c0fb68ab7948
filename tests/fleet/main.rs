//! Do processes that share a token on a real Redis survive the failures of
//! processes, of the server and of the token endpoint?
//!
//! Each process is a child that runs this program. It obeys lines on its
//! standard input, and can be killed and frozen. The token endpoint and the API
//! are a `MockServer`, which counts. Times are real, since all of them live in
//! different processes.

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
