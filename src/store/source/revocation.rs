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

/// Tokens that are ended for one call: the one of this process, and one that was newer in the
/// store. With more, somebody gets tokens faster than they are ended.
const MOST: u32 = 3;

impl<S: ShareableSource> SharedSource<S> {
    /// Ends the token of this process, and that of the store, at the service; then takes it out of
    /// the store.
    ///
    /// In this order: a token that is only out of the store would go on living unseen.
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
                // Somebody gets the next one just now, which takes the place of this one.
                Lookup::Busy(_) => return Ok(()),
                Lookup::Cooldown(_) => return Err(left_in_store(resting())),
            }
        }
        Err(left_in_store(overtaken()))
    }

    /// Ends what another process has put there. What cannot be opened is no token that anybody
    /// could use, and is replaced.
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

    /// Puts something in the place of the token of which nothing is left: a store takes both away.
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
    let message = "the token has ended at the service, and could not be taken out of the store: a \
                   process that starts now meets a 401 first, and renews it; revoke it once more \
                   when the store can be reached (the cause says why it was not)";
    TokenError::new(TokenErrorKind::Store, message).with_source(error)
}

fn resting() -> StoreError {
    let message = "the token endpoint has asked to be left alone, and the store grants nothing until that is over";
    StoreError::new(StoreErrorKind::Unavailable, message)
}

fn overtaken() -> StoreError {
    let message = "other processes put tokens there faster than they are ended";
    StoreError::new(StoreErrorKind::Unavailable, message)
}
