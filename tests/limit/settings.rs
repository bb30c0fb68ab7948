//! A limit that cannot be kept is an error when the organisation is built.

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
        let sharing = || Sharing::unsealed(MemoryStore::new());
        for org in [
            builder(&mock).limit(limit.clone()),
            builder(&mock).process_limit(limit.clone()),
            builder(&mock).share(sharing()).limit(limit.clone()),
            builder(&mock).share(sharing()).process_limit(limit.clone()),
        ] {
            let error = org
                .build::<Full<Bytes>>(mock.service())
                .expect_err("refused");
            assert_eq!(error.kind(), ConfigErrorKind::Limit);
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}

#[test]
fn a_shared_token_has_its_limit_over_a_store_that_keeps_a_book() {
    let mock = MockGenesys::new();
    let folder = tempfile::tempdir().expect("a folder");
    let store = || FileStore::new(folder.path().join("store")).expect("a store");
    let sharing = || builder(&mock).share(Sharing::unsealed(store()));
    let without = sharing().limit(Limit::per_minute(300));
    let error = without
        .build::<Full<Bytes>>(mock.service())
        .expect_err("refused");
    assert_eq!(error.kind(), ConfigErrorKind::Limit);
    for next_step in ["RedisStore", "OrgBuilder::process_limit"] {
        assert!(error.to_string().contains(next_step), "{error}");
    }

    let own = sharing().limit(Limit::per_minute(300));
    let own = own.process_limit(Limit::per_minute(100));
    assert!(own.build::<Full<Bytes>>(mock.service()).is_ok());
    let replaced = sharing().process_limit(Limit::per_minute(100));
    let replaced = replaced.limit(Limit::per_minute(300));
    assert!(replaced.build::<Full<Bytes>>(mock.service()).is_err());
}
