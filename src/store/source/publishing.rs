use std::time::Duration;

use super::{lease_guard::LeaseGuard, link::Link, round::Round};
use crate::{
    store::{
        Claim, Lease, Operation, Publication, ShareableSource, StoreError, StoreEvent, StoreKey,
        TokenStore,
    },
    token::{IssuedToken, Moment, TokenError, TokenErrorKind},
};

/// So that a fleet asks an endpoint that is out of order once a second, and not once each.
const TRANSIENT_COOLDOWN: Duration = Duration::from_secs(1);
/// The throttled 400 of the token endpoint does not say how long; it is over after about a minute.
const THROTTLED_COOLDOWN: Duration = Duration::from_secs(10);
/// An absurd `Retry-After` shall not switch a fleet off for the day.
pub(super) const LONGEST_COOLDOWN: Duration = Duration::from_secs(60 * 60);

impl<S: ShareableSource> Round<'_, S> {
    /// Gets a token for all.
    pub(super) async fn lead(
        &self,
        lease: Lease,
        claim: &Claim,
    ) -> Result<IssuedToken, TokenError> {
        let guard = LeaseGuard::new(self.link, self.key, lease);
        if let Some(kind) = lease.replaces {
            self.link.tell(&StoreEvent::Missed { kind });
        }
        self.link.tell(&StoreEvent::Leased { fence: lease.fence });
        let own = self.link.local().unshared(&self.key, &self.cx);
        if own.is_none() && !self.has_time_for_request() {
            // Begun in vain, it would end as a failure of the endpoint, and keep all from it.
            guard.abandon(None).await;
            return self.stay().ok_or_else(|| self.nobody_in_time());
        }
        let had_time = self.has_time_after(Duration::ZERO);
        let requested = match own {
            Some(own) => Ok(own),
            None => self.request().await,
        };
        match requested {
            Ok((issued, taken)) => {
                // Not lost when the rest takes too long for the cache.
                self.link.local().keep(&self.key, issued.clone(), taken);
                Ok(self.publish(guard, issued, taken, claim).await)
            }
            Err(error) => {
                // That a request was cut short says nothing of the endpoint.
                let is_cut = error.kind() == TokenErrorKind::TimedOut && !had_time;
                let cooldown = cooldown_after(&error).filter(|_| !is_cut);
                guard.abandon(cooldown).await;
                Err(error)
            }
        }
    }

    /// Puts a token into the store, and returns the one to use: this one, or a newer one that was
    /// faster.
    async fn publish(
        &self,
        mut guard: LeaseGuard,
        issued: IssuedToken,
        taken: Moment,
        claim: &Claim,
    ) -> IssuedToken {
        let fence = guard.lease().fence;
        let lease = *guard.lease();
        match self.link.put(self.key, lease, &issued, taken).await {
            Ok(Publication::Published) => {
                guard.is_over();
                self.link.tell(&StoreEvent::Published { fence });
                self.share(&issued, taken, fence);
                self.hand_out(issued, taken)
            }
            Ok(Publication::Superseded(winner)) => {
                guard.is_over();
                let fence = winner.fence;
                self.link.tell(&StoreEvent::Superseded { fence });
                match self.adopt(&winner, claim) {
                    Some(token) => token,
                    None => self.hand_out_unshared(issued, taken),
                }
            }
            // The token is good all the same. The guard gives the lease back.
            Err(_told) => self.hand_out_unshared(issued, taken),
        }
    }
}

impl Link {
    /// Puts a token into the store for the holder of this lease.
    pub(super) async fn put(
        &self,
        key: StoreKey,
        lease: Lease,
        issued: &IssuedToken,
        taken: Moment,
    ) -> Result<Publication, StoreError> {
        let left = issued
            .remaining()
            .saturating_sub(Moment::now().since(taken));
        let envelope = &self.sharing().envelope;
        let entry = envelope
            .close(&key, lease.fence, issued, left)
            .inspect_err(|error| {
                let operation = Operation::Publish;
                self.tell(&StoreEvent::Failed { operation, error });
            })?;
        let call = async move |store: &dyn TokenStore| store.publish(&key, &lease, &entry).await;
        self.ask(Operation::Publish, |store| Box::pin(call(store)))
            .await
    }
}

/// For how long the others shall leave the token endpoint alone after this. Not at all when it may
/// be the fault of this process: one with a wrong secret must not keep the others from asking.
pub(super) fn cooldown_after(error: &TokenError) -> Option<Duration> {
    use TokenErrorKind as Kind;
    if error.asks_for_rest() {
        let asked = error.retry_after().unwrap_or(THROTTLED_COOLDOWN);
        return Some(asked.clamp(TRANSIENT_COOLDOWN, LONGEST_COOLDOWN));
    }
    match error.kind() {
        Kind::Unavailable | Kind::Transport | Kind::TimedOut | Kind::Malformed => {
            Some(TRANSIENT_COOLDOWN)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_endpoints_own_trouble_keeps_others_from_asking() {
        use TokenErrorKind as Kind;
        let seconds = |error: TokenError| cooldown_after(&error).map(|wait| wait.as_secs());
        for (kind, expected) in [
            (Kind::Denied, None),
            (Kind::Credentials, None),
            (Kind::LoginRequired, None),
            (Kind::Throttled, Some(10)),
            (Kind::Unavailable, Some(1)),
            (Kind::Transport, Some(1)),
            (Kind::TimedOut, Some(1)),
            (Kind::Malformed, Some(1)),
        ] {
            assert_eq!(seconds(TokenError::new(kind, "")), expected, "{kind:?}");
        }
        let asked = |kind, wait| TokenError::new(kind, "").with_retry_after(wait);
        assert_eq!(
            seconds(asked(Kind::Throttled, Duration::from_secs(42))),
            Some(42)
        );
        assert_eq!(seconds(asked(Kind::Unavailable, Duration::MAX)), Some(3600));
    }
}
