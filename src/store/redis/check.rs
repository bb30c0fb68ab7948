use std::time::Duration;

use super::{
    RedisStore, RedisStoreError, RedisStoreErrorKind as Kind, failure::Failure, finding, reply,
    store::Inner, topology::Part,
};
use crate::{
    store::{Claim, Entry, Lease, Lookup, Owner, Publication, StoreKey},
    token::Fingerprint,
};

/// How long what a check leaves behind lives.
const TRACES: Duration = Duration::from_secs(5);
/// So many keys are tried on a node of a cluster. One that has two thirds of the slots would have
/// all of these once in 10^11 clusters; and they are always the same, as is the answer.
const SPREAD: usize = 64;
#[cfg(feature = "redis-cluster")]
/// So many keys are tried to find one of a primary that has a single slot, many times over.
const SEARCH: usize = 1 << 18;

impl RedisStore {
    /// Checks that everything works: the server is there, is what the URL says it is, takes the
    /// login, lets this user run the scripts on keys of this prefix, and has room. Call it when a
    /// process starts; a process also works without.
    ///
    /// The check gets a lease, publishes and abandons under a key of its own, which is gone after
    /// five seconds. On a cluster it does so on every primary, so that the answer is about all
    /// slots. Each of the round trips has a second.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](Kind::Unreachable), [`Credentials`](Kind::Credentials),
    /// [`Certificates`](Kind::Certificates) when the server wants another client certificate,
    /// [`Permission`](Kind::Permission), which names the commands that are missing,
    /// [`Url`](Kind::Url) when the server is something else than the URL says (a Sentinel, a node
    /// of a cluster, no cluster), or [`Server`](Kind::Server). The message names the setting where
    /// the URL comes from.
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
    async fn parts(&self) -> Result<Vec<Part>, Failure> {
        let mut connection = self.link.connection().await?;
        self.link.topology().examine(&mut connection).await
    }

    /// A key of this part, and of this check alone.
    fn key_in(&self, part: &Part, owner: Owner) -> Option<StoreKey> {
        let key = StoreKey::new("", "", "check").with_parameter("owner", &format!("{owner:?}"));
        match part {
            Part::Spread => None,
            Part::Any => Some(key),
            #[cfg(feature = "redis-cluster")]
            Part::Slots(slots) => {
                let turns = (0..SEARCH).map(|turn| key.with_parameter("turn", &turn.to_string()));
                let is_here = |key: &StoreKey| {
                    let [name, ..] = self.names(key);
                    slots.contains(&redis::cluster_routing::Slot::for_key(name))
                };
                turns.into_iter().find(is_here)
            }
        }
    }

    /// Whether this node has keys from all over.
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

    /// The commands that this user may not run.
    async fn denied(&self, key: &StoreKey) -> Result<Vec<String>, Failure> {
        let call = self.call(&self.scripts.permissions, key);
        let mut denied = reply::words(self.run(call).await?)?;
        denied.sort();
        denied.dedup();
        Ok(denied)
    }

    async fn try_all(&self, key: &StoreKey, owner: Owner) -> Result<(), Failure> {
        let mut claim = Claim::new(owner, TRACES);
        let lease = self.leased(key, &claim).await?;
        let entry = Entry::new(lease.fence, Fingerprint::of(""), "", TRACES);
        match self.publish(key, &lease, &entry, TRACES).await? {
            Publication::Published => {}
            Publication::Superseded(_) => return Err(Failure::Nonsense),
        }
        claim.at_least = lease.fence.next();
        let lease = self.leased(key, &claim).await?;
        self.abandon(key, &lease, Some(Duration::from_millis(1)))
            .await
    }

    async fn leased(&self, key: &StoreKey, claim: &Claim) -> Result<Lease, Failure> {
        match self.get_or_lease(key, claim, TRACES).await? {
            Lookup::Leased(lease) => Ok(lease),
            _ => Err(Failure::Nonsense),
        }
    }
}
