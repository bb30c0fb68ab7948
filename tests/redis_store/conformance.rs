//! The rules of `store_conformance!` and `book_conformance!`, on real servers.
//! Each check starts its own: waiting for another check would distort the times
//! that it measures.

use std::time::Duration;

use tower_genesys::store::{
    Claim, Entry, Lease, Lookup, Publication, StoreFuture, StoreKey, TokenStore,
    book::{Grant, Refusal, Reservation, SlotBook},
    redis::RedisStore,
};

use crate::{
    redis_server::{RedisCluster, RedisSentinels, RedisServer},
    setup::store,
};

/// A store and its servers.
struct Served<S> {
    store: RedisStore,
    _servers: S,
}

impl<S> Served<S> {
    fn by(url: String, servers: S) -> Self {
        Self {
            store: store(url),
            _servers: servers,
        }
    }
}

impl<S: Send + Sync + 'static> TokenStore for Served<S> {
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
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        self.store.abandon(key, lease, cooldown)
    }
}

impl<S: Send + Sync + 'static> SlotBook for Served<S> {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        self.store.reserve(key, reservation)
    }

    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration> {
        self.store.refuse(key, refusal)
    }
}

tower_genesys::store_conformance! {
    #[tokio::test]
    async {
        let server = RedisServer::start();
        Served::by(server.url(), server)
    }
}

mod book {
    use super::*;

    tower_genesys::book_conformance! {
        #[tokio::test]
        async {
            let server = RedisServer::start();
            Served::by(server.url(), server)
        }
    }
}

mod book_on_a_cluster {
    use super::*;

    tower_genesys::book_conformance! {
        #[tokio::test]
        async {
            let cluster = RedisCluster::start();
            Served::by(cluster.url(), cluster)
        }
    }
}

mod book_on_sentinels {
    use super::*;

    tower_genesys::book_conformance! {
        #[tokio::test]
        async {
            let sentinels = RedisSentinels::start();
            Served::by(sentinels.url(), sentinels)
        }
    }
}
