use crate::setup::store;

tower_genesys::store_conformance! {
    #[tokio::test]
    async { store().await }
}
