use std::time::Duration;

use super::{
    RedisStore, RedisStoreError, RedisStoreErrorKind as Kind, failure::Failure, reply, store::Inner,
};
use crate::{
    store::{Claim, Entry, Lease, Lookup, Owner, Publication, StoreKey},
    token::Fingerprint,
};

/// How long what a check leaves behind lives.
const TRACES: Duration = Duration::from_secs(5);

impl RedisStore {
    /// Whether all of it works: the server is there, takes the login, lets this user run the
    /// scripts on keys of this prefix, and has room. For the start of a process; a process also
    /// does without.
    ///
    /// It gets a lease, publishes and abandons under a key of its own, which is gone after five
    /// seconds. Each of the round trips has a second.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](Kind::Unreachable), [`Credentials`](Kind::Credentials),
    /// [`Permission`](Kind::Permission), which names the commands that are missing, or
    /// [`Server`](Kind::Server). The message names the setting where the URL comes from.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the check.
    pub async fn check(&self) -> Result<(), RedisStoreError> {
        let inner = &*self.inner;
        let wrong = |failure| RedisStoreError::checked(&inner.setting, failure);
        let owner = Owner::random().map_err(|error| {
            RedisStoreError::new(Kind::Server, "a check needs randomness").with_source(error)
        })?;
        let own = format!("{owner:?}");
        let key = StoreKey::new("", "", "check").with_parameter("owner", &own);
        let denied = inner.denied(&key).await.map_err(wrong)?;
        if !denied.is_empty() {
            let message = format!(
                "{}: this user of Redis may not run {}; give it the rights in the documentation of \
                 RedisStore",
                inner.setting,
                denied.join(", ")
            );
            return Err(RedisStoreError::new(Kind::Permission, message));
        }
        inner.try_all(&key, owner).await.map_err(wrong)
    }
}

impl Inner {
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
