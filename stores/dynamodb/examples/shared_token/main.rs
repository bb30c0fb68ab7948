//! Two instances of a function share one token through DynamoDB:
//! `cargo run -p tower-genesys-dynamodb --example shared_token`
//!
//! It runs against dynalite, an emulator, which it starts
//! (`tests/install-servers.sh dynalite`).

mod emulator;

use aws_sdk_dynamodb::types::AttributeValue;
use tower_genesys::{BoxError, Credentials, Org, Sharing, store::KeyRing, testing::MockGenesys};
use tower_genesys_dynamodb::DynamoDbStore;

use crate::emulator::Emulator;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let emulator = Emulator::start()?;
    // In AWS: `Client::new(&aws_config::load_from_env().await)`, and a table
    // that is already there.
    let client = emulator.client();
    emulator::create_table(&client, "tokens", "key").await?;
    let store = DynamoDbStore::new(client.clone(), "tokens")?;
    store.check().await?;

    let mock = MockGenesys::new(); // replaces Genesys Cloud and your HTTP client
    // From a secret store.
    let keys = KeyRing::parse("2027-01:3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=")?;
    let instance = || {
        Org::builder(mock.region())
            .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
            .share(Sharing::sealed(store.clone(), keys.clone()))
            .build(mock.http_client())
    };
    // Once per instance, outside of the handler.
    let (one, other) = (instance()?, instance()?);
    let (one, other) = tokio::join!(one.tokens().token(), other.tokens().token());
    let (one, other) = (one?, other?);
    assert_eq!(one.expose(), other.expose());
    assert_eq!(mock.token_posts(), 1);

    let items = client.scan().table_name("tokens").send().await?;
    let values = items.items().iter().filter_map(|item| item.get("value"));
    let shows_token = |value: &AttributeValue| format!("{value:?}").contains(one.expose());
    assert!(!values.into_iter().any(shows_token), "the value is sealed");
    println!("two instances, one token request, through DynamoDB");
    Ok(())
}
