//! A [`TokenStore`](tower_genesys::store::TokenStore) in Amazon DynamoDB: all
//! instances of a serverless function share one Genesys Cloud token, without a
//! server to run.
//!
//! ```no_run
//! use tower_genesys::{BoxError, Sharing};
//! use tower_genesys_dynamodb::DynamoDbStore;
//!
//! # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), BoxError> {
//! // Once per instance, with `Client::new(&aws_config::load_from_env().await)`.
//! let store = DynamoDbStore::new(client, "genesys-tokens")?;
//! // At deployment; an instance works without it.
//! store.check().await?;
//! // Or `sealed`. It is for `OrgBuilder::share`.
//! let sharing = Sharing::unsealed(store);
//! # let _ = sharing;
//! # Ok(())
//! # }
//! ```
//!
//! The example `shared_token` is a whole program, against an emulator.
//!
//! # The table
//!
//! Its key is one attribute, `key`, a string. Time to live on the attribute
//! `ttl` deletes an item two days after its token and cooldown have ended.
//! Without it, the table keeps one small item per organisation and client.
//!
//! ```text
//! aws dynamodb create-table --table-name genesys-tokens --billing-mode PAY_PER_REQUEST \
//!     --attribute-definitions AttributeName=key,AttributeType=S \
//!     --key-schema AttributeName=key,KeyType=HASH
//! aws dynamodb update-time-to-live --table-name genesys-tokens \
//!     --time-to-live-specification Enabled=true,AttributeName=ttl
//! ```
//!
//! | the role needs | for |
//! |---|---|
//! | `dynamodb:GetItem`, `dynamodb:PutItem` | every operation |
//! | `dynamodb:DescribeTable` | [`check`](DynamoDbStore::check) only |
//!
//! Use a table in one region. The replicas of a global table in its default
//! mode accept writes independently, so two regions could grant the same lease.
//! Do not read through DAX.
//!
//! # How it works
//!
//! Each operation reads the item (a consistent read), applies the rules of
//! [`Record`](tower_genesys::store::Record), and writes the item back on the
//! condition that its `revision` has not changed. If another process has
//! written first, the operation starts again with the new item. So only one
//! process gets a lease, and a lower fence never replaces a higher one. An
//! operation costs one read, and one write if it changes the item. A token is
//! renewed once in hours.
//!
//! The SDK retries requests whose answer was lost. If DynamoDB executed the
//! first write, the second one fails on its condition. The next read then shows
//! the result of the first: a lease with this process as its owner, or the
//! token with its fence.
//!
//! # The clock
//!
//! DynamoDB has no clock that a condition could read, but each response has a
//! `Date` header, in whole seconds. The store uses the process's clock within
//! the limits of the header: not before `Date`, and at most a second after it.
//! A process with a wrong clock therefore uses DynamoDB's clock, with an error
//! of at most one second and the latency of the response.
//!
//! That precision suffices. A lease lasts 10 seconds and its token request at
//! most 9, so a process that is a second ahead does not take a lease that is in
//! use. If two processes fetch nevertheless, the fence decides whose token
//! stays, at the cost of one token request. A token that seems valid for a
//! second too long is within the margin that the cache keeps before expiry.
//!
//! # Sealing
//!
//! [`Sharing`](tower_genesys::Sharing) decides the form of an item's value.
//! With `Sharing::sealed` (feature `seal` of tower-genesys), readers of the
//! table, its backups or its streams find no usable token.
//!
//! # Errors
//!
//! [`new`](DynamoDbStore::new) and [`check`](DynamoDbStore::check) return a
//! [`DynamoDbStoreError`]. In operation, the observer of the sharing gets a
//! [`StoreError`](tower_genesys::store::StoreError) with the same error as its
//! source, and the process continues without the store.
//!
//! The store treats an item that is unreadable or of another format version as
//! missing, and reports it in
//! [`Lease::replaces`](tower_genesys::store::Lease::replaces). The next token
//! replaces the item.
//!
//! # Stores for other databases
//!
//! `Record` contains the rules. A store adds the form of the record in the
//! database (`item.rs`), a clock (`clock.rs`), a read and a conditional write
//! (`store.rs`), and errors (`error.rs`). The macro `store_conformance!` checks
//! the result, as `tests/` shows.

mod check;
mod clock;
mod error;
mod item;
mod store;

pub use error::{DynamoDbStoreError, DynamoDbStoreErrorKind};
pub use store::DynamoDbStore;
