//! A custom token store: `cargo run --all-features --example own_store`

mod table;

use tower_genesys::{BoxError, Credentials, Org, Sharing, testing::MockGenesys};

use crate::table::Table;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let table = Table::default();
    let mock = MockGenesys::new(); // stands for Genesys Cloud and for your HTTP client
    let process = || {
        Org::builder(mock.region())
            .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
            .share(Sharing::unsealed(table.clone()))
            .build(mock.http_client())
    };
    let (one, other) = (process()?, process()?);
    let (one, other) = tokio::join!(one.tokens().token(), other.tokens().token());
    assert_eq!(one?.expose(), other?.expose());
    assert_eq!(mock.token_posts(), 1);
    println!("two processes, one token request, over a custom store");
    Ok(())
}

// Checks the table against the rules of a store, with a test for each.
#[cfg(test)]
mod tests {
    use super::Table;

    tower_genesys::store_conformance! {
        #[tokio::test]
        async { Table::default() }
    }
}
