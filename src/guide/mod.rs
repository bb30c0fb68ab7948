//! The layers in stacks that people have: pages to read, without code of their own.
//!
//! What these pages quote is compiled and run with the tests.

#[doc = include_str!("../../docs/ordering.md")]
pub mod ordering {}

pub mod gateway;
pub mod grpc;
pub mod middleware;
