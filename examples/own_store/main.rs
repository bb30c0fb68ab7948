//! A custom token store: `cargo run --all-features --example own_store`

mod table;

use tower_genesys::{
    BoxError, Credentials, Org, Sharing,
    testing::{MockGenesys, conformance},
};

use crate::table::Table;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let table = Table::default();
    // Some of the checks. Below, the macro generates a test for each.
    conformance::concurrent_claims_get_one_lease(&table).await;
    conformance::an_own_lease_is_recognised(&table).await;
    conformance::the_fence_decides_what_is_published(&table).await;
    conformance::only_the_owner_ends_a_lease(&table).await;

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

#[cfg(test)]
mod tests {
    use super::Table;

    tower_genesys::store_conformance! {
        #[tokio::test]
        async { Table::default() }
    }
}
