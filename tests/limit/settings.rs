//! Limits that cannot be kept are errors when the organisation is built.

use bytes::Bytes;
use http_body_util::Full;
use tower_genesys::{
    Sharing,
    genesys::ConfigErrorKind,
    store::{Limit, MemoryStore, file::FileStore},
    testing::MockGenesys,
};

use crate::setup::*;

#[test]
fn a_limit_that_cannot_be_kept_is_a_typed_error_that_names_the_setting() {
    let mock = MockGenesys::new();
    for (limit, named) in [
        (Limit::per_minute(0), "Limit::learned"),
        (Limit::per_minute(100_001), "100000"),
        (Limit::per_minute(300).with_burst(1.01), "with_burst"),
        (Limit::per_minute(300).with_burst(-0.1), "with_burst"),
        (Limit::learned().with_burst(f64::NAN), "with_burst"),
    ] {
        let sharing = Sharing::unsealed(MemoryStore::new()).with_limit(limit.clone());
        let shared = builder(&mock).share(sharing);
        for org in [builder(&mock).limit(limit.clone()), shared] {
            let error = org
                .build::<Full<Bytes>>(mock.service())
                .expect_err("refused");
            assert_eq!(error.kind(), ConfigErrorKind::Limit);
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}

#[test]
fn a_limit_is_stated_once_and_over_a_store_that_keeps_a_book() {
    let mock = MockGenesys::new();
    let limit = || Limit::per_minute(300);
    let sharing = Sharing::unsealed(MemoryStore::new()).with_limit(limit());
    let twice = builder(&mock).share(sharing).limit(limit());
    let error = twice
        .build::<Full<Bytes>>(mock.service())
        .expect_err("refused");
    assert_eq!(error.kind(), ConfigErrorKind::Limit);
    assert!(error.to_string().contains("OrgBuilder::limit"), "{error}");

    let folder = tempfile::tempdir().expect("a folder");
    let store = FileStore::new(folder.path().join("store")).expect("a store");
    let without = builder(&mock).share(Sharing::unsealed(store).with_limit(limit()));
    let error = without
        .build::<Full<Bytes>>(mock.service())
        .expect_err("refused");
    assert_eq!(error.kind(), ConfigErrorKind::Limit);
    assert!(error.to_string().contains("RedisStore"), "{error}");
}
