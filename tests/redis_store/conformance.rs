//! The rules of `store_conformance!`, on a real server. Each check starts its
//! own server: waiting for another check would distort the times that it
//! measures.

use tower_genesys::store::{
    Claim, Entry, Lease, Lookup, Publication, StoreFuture, StoreKey, TokenStore, redis::RedisStore,
};

use crate::{redis_server::RedisServer, setup::store};

/// A store and its server.
struct Served {
    store: RedisStore,
    _server: RedisServer,
}

impl Served {
    fn start() -> Self {
        let server = RedisServer::start();
        Self {
            store: store(server.url()),
            _server: server,
        }
    }
}

impl TokenStore for Served {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        self.store.get_or_lease(key, claim)
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        self.store.publish(key, lease, entry)
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<std::time::Duration>,
    ) -> StoreFuture<'a, ()> {
        self.store.abandon(key, lease, cooldown)
    }
}

tower_genesys::store_conformance! {
    #[tokio::test]
    async { Served::start() }
}
