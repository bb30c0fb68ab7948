//! A [`TokenStore`](tower_genesys::store::TokenStore) in Amazon DynamoDB: all instances of a serverless
//! function share one Genesys Cloud token, without a server to run.
//!
//! ```no_run
//! use tower_genesys::{BoxError, Sharing};
//! use tower_genesys_dynamodb::DynamoDbStore;
//!
//! # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), BoxError> {
//! // Once per instance. `client`: `aws_sdk_dynamodb::Client::new(&aws_config::load_from_env().await)`.
//! let store = DynamoDbStore::new(client, "genesys-tokens")?;
//! store.check().await?; // at deployment; an instance also works without
//! let sharing = Sharing::unsealed(store); // or `sealed`, for `OrgBuilder::share`
//! # let _ = sharing;
//! # Ok(())
//! # }
//! ```
//!
//! The example `shared_token` is a whole program, against an emulator.
//!
//! # The table
//!
//! Its key is one attribute, `key`, a string. Time to live on the attribute `ttl` deletes items two
//! days after their last use; without it the table keeps one small item per organisation and client.
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
//! Use a table in one region. The replicas of a global table in its default mode accept writes
//! independently, so that two regions could hold the same lease. Do not read through DAX.
//!
//! # How it works
//!
//! Each operation reads the item (a consistent read), applies the rules of
//! [`Record`](tower_genesys::store::Record), and writes the item back on the condition that its
//! `revision` is still the one that was read. If another process was faster, the operation starts
//! again with the new item. So a lease goes to one process, and a lower fence never replaces a
//! higher one. An operation costs one read, and one write where something changes; a token is
//! renewed once in hours.
//!
//! The SDK repeats requests whose answer was lost. A write that was carried out then fails on its
//! condition, and the next read shows that it was: the lease has this process as its owner, the
//! token has this fence.
//!
//! # The clock
//!
//! DynamoDB has no clock that a condition could read. Each response has a `Date` header, though, in
//! whole seconds. The store takes the time of the process where the header permits it: not before
//! `Date`, and not more than a second after it. A process whose clock is wrong uses DynamoDB's, with
//! an error of at most one second and the way of the response.
//!
//! That is safe because nothing depends on more than that. A lease lasts 10 seconds and the request
//! under it 9 at most, so a process that is a second ahead does not take a lease that is in use.
//! Should two processes lead nevertheless, the fence decides whose token stays, and the cost is one
//! token request. A token that counts as valid a second too long is within the margin that the cache
//! keeps before expiry.
//!
//! # Sealing
//!
//! The value of an item is what [`Sharing`](tower_genesys::Sharing) puts there. With
//! `Sharing::sealed` (feature `seal` of tower-genesys), who reads the table, its backups or its
//! streams has no token.
//!
//! # Errors
//!
//! [`DynamoDbStoreError`] from [`new`](DynamoDbStore::new) and [`check`](DynamoDbStore::check). In
//! operation, a [`StoreError`](tower_genesys::store::StoreError) goes to the observer of the
//! sharing, with the same error as its source; the process continues without the store.
//!
//! An item of another format version, or one that cannot be read, counts as absent, is reported by
//! [`Lease::replaces`](tower_genesys::store::Lease::replaces), and is replaced by the next token.
//!
//! # Writing one for another database
//!
//! The rules are in `Record`. A store adds the form of the record in the database (`item.rs`),
//! a clock (`clock.rs`), read and conditional write (`store.rs`), and errors (`error.rs`).
//! `store_conformance!` tests the result; `tests/` shows how.

mod check;
mod clock;
mod error;
mod item;
mod store;

pub use error::{DynamoDbStoreError, DynamoDbStoreErrorKind};
pub use store::DynamoDbStore;
