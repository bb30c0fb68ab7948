//! A [`TokenStore`](tower_genesys::store::TokenStore) in Amazon DynamoDB: all
//! instances of a serverless function share one Genesys Cloud token, without a
//! server to run.
//!
//! ```no_run
//! use tower_genesys::{BoxError, Sharing};
//! use tower_genesys_dynamodb::DynamoDbStore;
//!
//! # async fn example(client: aws_sdk_dynamodb::Client) -> Result<(), BoxError> {
//! // Create the client and the store once per instance. The client is
//! // `Client::new(&aws_config::load_from_env().await)`.
//! let store = DynamoDbStore::new(client, "genesys-tokens")?;
//! // Check the table at deployment. The store works without this call.
//! store.check().await?;
//! // Pass this to `OrgBuilder::share`. `sealed` would encrypt the token.
//! let sharing = Sharing::unsealed(store);
//! # let _ = sharing;
//! # Ok(())
//! # }
//! ```
//!
//! The example `shared_token` is a whole program, with an emulator of DynamoDB.
//!
//! The page [`tower_genesys::store`] defines *lease*, *fence* and *cooldown*.
//! The store keeps no [book](tower_genesys::store::book), so instances cannot
//! share a rate limit through it.
//!
//! # The table
//!
//! The table has a simple primary key: the attribute `key`, a string. Each
//! OAuth client has one small item. Enable time to live on the attribute `ttl`,
//! and DynamoDB deletes an item two days after its token and cooldown have
//! ended. Otherwise, the items stay.
//!
//! ```text
//! aws dynamodb create-table --table-name genesys-tokens --billing-mode PAY_PER_REQUEST \
//!     --attribute-definitions AttributeName=key,AttributeType=S \
//!     --key-schema AttributeName=key,KeyType=HASH
//! aws dynamodb update-time-to-live --table-name genesys-tokens \
//!     --time-to-live-specification Enabled=true,AttributeName=ttl
//! ```
//!
//! | the role of the function needs | for |
//! |---|---|
//! | `dynamodb:GetItem`, `dynamodb:PutItem` | every operation |
//! | `dynamodb:DescribeTable` | [`check`](DynamoDbStore::check) only |
//!
//! Use a table in one region. The replicas of a global table in its default
//! mode accept writes independently, so two regions could grant the same lease.
//! DAX, the cache for DynamoDB, gains nothing: it caches no consistent reads,
//! and the store makes only those.
//!
//! # How it works
//!
//! An item contains a [`Record`](tower_genesys::store::Record), the type of
//! tower-genesys that implements the rules of a store: which process gets the
//! lease, and which token replaces which. Each operation reads the item (a
//! consistent read), applies a rule, and writes the item back, on the condition
//! that its `revision` has not changed. If another process has written the item
//! since, the operation starts again with the new item. So only one process
//! gets a lease, and a lower fence never replaces a higher one.
//!
//! An operation costs one read, and one write if it changes the item.
//! Operations are rare: a token is renewed once in hours, and each process has
//! it in memory meanwhile.
//!
//! The SDK sends a request again if its answer was lost. If DynamoDB had
//! executed the first write, the second one fails on its condition, and the
//! store reads the item again. It finds the result of its first write: a lease
//! with this process as its owner, or the token with its fence.
//!
//! # The clock
//!
//! DynamoDB has no clock that a condition could read, but each response has a
//! `Date` header, in whole seconds. The store uses the process's clock within
//! the limits of that header: not before `Date`, and at most a second after it.
//! So in a process whose clock is wrong, the store's time is wrong by at most
//! one second and the latency of the response.
//!
//! That is precise enough:
//!
//! - A lease lasts 10 seconds, and its token request 9 at most. So a process
//!   that is a second ahead does not take a lease that is in use.
//! - If two processes request a token nevertheless, the fence decides whose
//!   token stays, at the cost of one token request.
//! - If a token seems valid for a second too long, that does no harm. By
//!   default, the token cache stops using a token 30 seconds before it expires,
//!   and takes a token from a store only if it has 5 seconds more than that.
//!
//! # Sealing
//!
//! With `Sharing::sealed` (feature `seal` of tower-genesys), the token in an
//! item is encrypted, so readers of the table, its backups or its streams find
//! no usable token. With `Sharing::unsealed`, it is in plain text.
//!
//! # Errors
//!
//! [`new`](DynamoDbStore::new) and [`check`](DynamoDbStore::check) return a
//! [`DynamoDbStoreError`]. If a later operation fails, the process continues
//! without the store, and the observer of the
//! [`Sharing`](tower_genesys::Sharing) gets a
//! [`StoreError`](tower_genesys::store::StoreError), whose source is a
//! `DynamoDbStoreError`:
//!
//! | if the `DynamoDbStoreError` has the kind | the `StoreError` has the kind |
//! |---|---|
//! | `Credentials` or `Permission` | `Denied` |
//! | `Table`, `Key` or `Throttled` | `Unavailable` |
//! | `Unreachable` | `Timeout` |
//!
//! An operation that takes longer than a second, including the retries of the
//! SDK, also fails with `Timeout`. That error has no source.
//! `Sharing::with_operation_timeout` changes that limit.
//!
//! The store treats an item that is unreadable or of another format version as
//! missing. The process that gets the next lease replaces the item, and reports
//! what was wrong with it to the observer.
//!
//! # Cancellation
//!
//! An operation is dropped when its time limit is over, and then sends nothing
//! more. DynamoDB may still execute a write that was sent, and the next
//! operation then reads its result.
//!
//! # Stores for other databases
//!
//! This package is an example of a store for another database. `Record` has the
//! rules. A store adds the form of the record in the database (`item.rs`), a
//! clock (`clock.rs`), a read and a conditional write (`store.rs`), and errors
//! (`error.rs`). The macro `store_conformance!` checks the result, as `tests/`
//! shows.

mod check;
mod clock;
mod error;
mod item;
mod store;

pub use error::{DynamoDbStoreError, DynamoDbStoreErrorKind};
pub use store::DynamoDbStore;
