//! The check of a store: whether its server is reachable, is the one that the
//! URL says, and lets this user do everything that the store does.

use std::time::Duration;

use super::{
    RedisStore, RedisStoreError, RedisStoreErrorKind as Kind, failure::Failure, finding, reply,
    store::Inner, topology::Part,
};
use crate::{
    store::{Claim, Entry, Lease, Lookup, Owner, Publication, StoreKey},
    token::Fingerprint,
};

/// How long the keys of a check exist.
const TRACES: Duration = Duration::from_secs(5);
/// The number of keys that a check tries on a node of a cluster. A node with
/// two thirds of the hash slots would have all of them in one of 10^11
/// clusters. They are always the same keys, so the answer is always the same.
const SPREAD: usize = 64;
/// The number of keys to search for one in a given hash slot: many times more
/// than there are hash slots.
#[cfg(feature = "redis-cluster")]
const SEARCH: usize = 1 << 18;

impl RedisStore {
    /// Checks that the store can share a token. Call it when a process starts,
    /// to find faults early. It is optional: a process also works without the
    /// store.
    ///
    /// The check finds out whether the server is reachable, is what the URL
    /// says, accepts the login, lets the user run the scripts on keys of this
    /// prefix, and has memory left. For that, it runs all operations on keys of
    /// its own, which expire after five seconds. On a cluster it does so on
    /// every primary, so that the result holds for all hash slots. Each round
    /// trip may take a second.
    ///
    /// It does not check the rights for a shared limit:
    /// [`check_limit`](Self::check_limit) does.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// // No server listens on this port.
    /// let store = RedisStore::new("redis://127.0.0.1:1")?;
    /// let error = store.check().await.unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Unreachable`](Kind::Unreachable) if no server answers, or if the
    ///   store does not trust the server's certificate;
    /// - [`Credentials`](Kind::Credentials) if the server rejects the login, or
    ///   requires one;
    /// - [`Certificates`](Kind::Certificates) if the server requires another
    ///   client certificate;
    /// - [`Permission`](Kind::Permission) if the user lacks rights; the message
    ///   names the missing commands;
    /// - [`Url`](Kind::Url) if the server is of another kind than the URL says,
    ///   such as a Sentinel or a node of a cluster;
    /// - [`Server`](Kind::Server) if the server cannot run the scripts, for
    ///   example because it is a replica or out of memory.
    ///
    /// The message names the setting that contains the URL.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the check.
    pub async fn check(&self) -> Result<(), RedisStoreError> {
        let inner = &*self.inner;
        let wrong = |failure: Failure| failure.checked(&inner.setting);
        let owner = Owner::random().map_err(|error| {
            RedisStoreError::new(Kind::Server, "a check needs randomness").with_source(error)
        })?;
        let parts = inner.parts().await.map_err(wrong)?;
        for part in parts {
            let Some(key) = inner.key_in(&part, owner) else {
                inner.try_spread().await.map_err(wrong)?;
                continue;
            };
            // First, because an operation's error does not name the missing
            // commands.
            let denied = inner.denied(&key).await.map_err(wrong)?;
            if !denied.is_empty() {
                let message = format!(
                    "{}: this user of Redis may not run {}; give it the rights in the documentation \
                     of RedisStore",
                    inner.setting,
                    denied.join(", ")
                );
                return Err(RedisStoreError::new(Kind::Permission, message));
            }
            inner.try_all(&key, owner).await.map_err(wrong)?;
        }
        Ok(())
    }
}

impl Inner {
    /// Connects, and returns the samples of keys to try.
    async fn parts(&self) -> Result<Vec<Part>, Failure> {
        let mut connection = self.link.connection().await?;
        self.link.topology().examine(&mut connection).await
    }

    /// Returns a key in this part that only this check uses, or `None` if one
    /// key is not enough.
    fn key_in(&self, part: &Part, owner: Owner) -> Option<StoreKey> {
        let key = StoreKey::new("", "", "check").with_parameter("owner", &format!("{owner:?}"));
        match part {
            Part::Spread => None,
            Part::Any => Some(key),
            #[cfg(feature = "redis-cluster")]
            Part::HashSlots(slots) => {
                // The slot of a key is a hash, so a key in the right one is
                // found by trying.
                let turns = (0..SEARCH).map(|turn| key.with_parameter("turn", &turn.to_string()));
                let is_here = |key: &StoreKey| {
                    let [name, ..] = self.names(key);
                    slots.contains(&redis::cluster_routing::Slot::for_key(name))
                };
                turns.into_iter().find(is_here)
            }
        }
    }

    /// Checks that this server has keys from all hash slots, by a sample of
    /// [`SPREAD`] keys.
    async fn try_spread(&self) -> Result<(), Failure> {
        for turn in 0..SPREAD {
            let key = StoreKey::new("", "", "check").with_parameter("turn", &turn.to_string());
            match self.run(self.call(&self.scripts.permissions, &key)).await {
                Err(failure) if failure.is_about_another_node() => {
                    return Err(Failure::Known(&finding::IS_NODE));
                }
                tried => tried?,
            };
        }
        Ok(())
    }

    /// Returns the commands that this user may not run, sorted, each once.
    async fn denied(&self, key: &StoreKey) -> Result<Vec<String>, Failure> {
        let call = self.call(&self.scripts.permissions, key);
        reply::denied(self.run(call).await?)
    }

    /// Runs each operation of the store once, including the writes that a full
    /// server would refuse.
    async fn try_all(&self, key: &StoreKey, owner: Owner) -> Result<(), Failure> {
        let mut claim = Claim::new(owner, TRACES);
        let lease = self.leased(key, &claim).await?;
        let entry = Entry::new(lease.fence, Fingerprint::of(""), "", TRACES);
        match self.publish(key, &lease, &entry, TRACES).await? {
            Publication::Published => {}
            Publication::Superseded(_) => return Err(Failure::Nonsense),
        }
        // Excludes the token just published, so that a lease is granted again.
        claim.at_least = lease.fence.next();
        let lease = self.leased(key, &claim).await?;
        self.abandon(key, &lease, Some(Duration::from_millis(1)))
            .await
    }

    /// Gets a lease. Nothing else can be the answer for a key of this check
    /// alone.
    async fn leased(&self, key: &StoreKey, claim: &Claim) -> Result<Lease, Failure> {
        match self.get_or_lease(key, claim, TRACES).await? {
            Lookup::Leased(lease) => Ok(lease),
            _ => Err(Failure::Nonsense),
        }
    }
}
