use std::time::Duration;

use tokio::time::Instant;

use super::{SharedSource, lease::LeaseGuard};
use crate::{
    store::{
        Claim, Entry, Lookup, Operation, ShareableSource, StoreError, StoreErrorKind, StoreEvent,
        StoreKey,
    },
    token::{FetchContext, Fingerprint, IssuedToken, Reason, TokenError, TokenErrorKind},
};

/// The number of tokens that one call revokes: the one of this process, and a
/// newer one in the store. If there are more, another process fetches tokens
/// faster than this one revokes them.
const MOST: u32 = 3;

impl<S: ShareableSource> SharedSource<S> {
    /// Revokes the token of this process and the one in the store, and then
    /// removes it from the store.
    ///
    /// This order matters: a token that was only removed from the store would
    /// stay valid unseen.
    pub(super) async fn end(&self, own: Option<&str>) -> Result<(), TokenError> {
        if let Some(token) = own {
            self.source.revoke(Some(token)).await?;
        }
        let cx = FetchContext::new(Reason::Forced, Instant::now() + self.link.sharing().lease);
        let (key, _identity) = self.identify(&cx).await?;
        let key = self.link.sharing().key(key);
        self.link.local().forget();
        self.link.given_back().await;
        let mut claim = Claim::new(self.link.owner, self.link.sharing().lease);
        claim.rejected = own.map(Fingerprint::of);
        for _ in 0..MOST {
            match self.look(key, &claim).await.map_err(left_in_store)? {
                Lookup::Token(entry) => {
                    self.end_entry(&key, &entry).await?;
                    claim.rejected = Some(entry.fingerprint);
                }
                Lookup::Leased(lease) => {
                    let guard = LeaseGuard::new(&self.link, key, lease);
                    return self.take_out(guard, key).await.map_err(left_in_store);
                }
                // Another process is fetching the next token, which will
                // replace this one.
                Lookup::Busy(_) => return Ok(()),
                Lookup::Cooldown(_) => return Err(left_in_store(resting())),
            }
        }
        Err(left_in_store(overtaken()))
    }

    /// Revokes the token of another process. A value that cannot be opened is
    /// usable by no process, and is replaced.
    async fn end_entry(&self, key: &StoreKey, entry: &Entry) -> Result<(), TokenError> {
        match self.link.sharing().envelope.open(key, entry) {
            Ok(issued) => self.source.revoke(Some(issued.expose())).await,
            Err(error) => {
                let kind = error.kind();
                self.link.tell(&StoreEvent::Missed { kind });
                Ok(())
            }
        }
    }

    async fn look(&self, key: StoreKey, claim: &Claim) -> Result<Lookup, StoreError> {
        let claim = claim.clone();
        let asked = self.link.ask(Operation::GetOrLease, |store| {
            Box::pin(async move { store.get_or_lease(&key, &claim).await })
        });
        asked.await
    }

    /// Publishes an entry without a remaining lifetime, so that the store
    /// deletes the old one.
    async fn take_out(&self, mut guard: LeaseGuard, key: StoreKey) -> Result<(), StoreError> {
        let lease = *guard.lease();
        let nothing = IssuedToken::new(String::new(), Duration::ZERO);
        let envelope = &self.link.sharing().envelope;
        let entry = envelope.close(&key, lease.fence, &nothing, Duration::ZERO)?;
        let put = self.link.ask(Operation::Publish, |store| {
            Box::pin(async move { store.publish(&key, &lease, &entry).await })
        });
        put.await?;
        guard.is_over();
        Ok(())
    }
}

fn left_in_store(error: StoreError) -> TokenError {
    let message = "the token was revoked, but could not be removed from the store (see the cause): a \
                   process that starts now gets a 401 first, and renews it; revoke again when the store \
                   can be reached";
    TokenError::new(TokenErrorKind::Store, message).with_source(error)
}

fn resting() -> StoreError {
    let message = "the token endpoint asked for a pause, and the store grants no lease until it is over; try again then";
    StoreError::new(StoreErrorKind::Unavailable, message)
}

fn overtaken() -> StoreError {
    let message = "other processes publish tokens faster than this one revokes them; stop them, and try again";
    StoreError::new(StoreErrorKind::Unavailable, message)
}
