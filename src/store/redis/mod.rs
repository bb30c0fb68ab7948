//! wip

mod address;
mod builder;
mod check;
mod error;
mod failure;
mod keys;
mod link;
mod reply;
mod script;
mod store;

pub use builder::RedisStoreBuilder;
pub use error::{RedisStoreError, RedisStoreErrorKind};
pub use store::RedisStore;
