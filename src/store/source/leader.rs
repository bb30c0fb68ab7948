use std::time::Duration;

use super::{
    lease::LeaseGuard,
    pauses::{check_after, cooldown_after},
    round::Round,
};
use crate::{
    store::{
        Claim, Entry, Lease, Publication, ShareableSource, StoreError, StoreErrorKind, StoreEvent,
    },
    token::{IssuedToken, Moment, TokenError, TokenErrorKind},
};

impl<S: ShareableSource> Round<'_, S> {
    /// Fetches a token for all processes.
    ///
    /// A token that this process fetched without the store comes first, since
    /// it costs no request. Each way out ends the lease: by publishing, or by
    /// giving it back with a cooldown for the other processes.
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
            // A request with too little time would time out, look like a
            // failure of the endpoint, and put every process into a cooldown.
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
                // Kept first, so that the token survives if publishing takes
                // too long for the cache.
                self.link.local().keep(&self.key, issued.clone(), taken);
                Ok(self.publish(guard, issued, taken, claim).await)
            }
            Err(error) => {
                // A request that was cut short says nothing about the endpoint.
                let is_cut = error.kind() == TokenErrorKind::TimedOut && !had_time;
                let cooldown = cooldown_after(&error).filter(|_| !is_cut);
                guard.abandon(cooldown).await;
                Err(error)
            }
        }
    }

    /// Publishes a token. Returns the token to use: this one, or a newer one in
    /// the store.
    async fn publish(
        &self,
        guard: LeaseGuard,
        issued: IssuedToken,
        taken: Moment,
        claim: &Claim,
    ) -> IssuedToken {
        match guard.publish(&issued, taken).await {
            Ok(Publication::Published) => self.hand_out(issued, taken),
            Ok(Publication::Superseded(winner)) => match self.adopt(&winner, claim) {
                Some(token) => token,
                None => self.hand_out_unshared(issued, taken),
            },
            // The token is valid without the store.
            Err(_told) => self.hand_out_unshared(issued, taken),
        }
    }
}

/// Turning a token, wherever it is from, into the one for the cache.
impl<S: ShareableSource> Round<'_, S> {
    /// Uses the token of another process, if it is usable.
    pub(super) fn adopt(&self, entry: &Entry, claim: &Claim) -> Option<IssuedToken> {
        // The store measured the remaining lifetime at the latest now.
        let taken = Moment::now();
        let opened = match claim.accepts(entry) {
            true => self.link.sharing().envelope.open(&self.key, entry),
            false => Err(unasked()),
        };
        match opened {
            Ok(issued) => {
                let fence = entry.fence;
                self.link.tell(&StoreEvent::Adopted { fence });
                self.link.share(&self.key, &issued, taken, fence);
                Some(self.hand_out(issued, taken))
            }
            Err(error) => {
                let kind = error.kind();
                self.link.tell(&StoreEvent::Missed { kind });
                tracing::debug!(%error, "cannot open the value in the token store");
                None
            }
        }
    }

    /// Returns the token for the cache, which counts its lifetime from the
    /// begin of the fetch.
    pub(super) fn hand_out(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        let left = issued
            .remaining()
            .saturating_sub(Moment::now().since(taken));
        issued.with_remaining(left.saturating_add(self.begun.elapsed()))
    }

    /// Returns a token that only this process has, to be replaced by a shared
    /// one soon.
    pub(super) fn hand_out_unshared(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        self.link.local().alone = true;
        self.hand_out(issued, taken).with_check_in(check_after())
    }

    /// Returns the current token of this process instead of a new one, if it
    /// suits for now.
    pub(super) fn stay(&self) -> Option<IssuedToken> {
        let spare = self.link.spare(Some(&self.key), &self.cx)?;
        Some(self.hand_out(spare, Moment::now()))
    }
}

fn unasked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "the token store returned a token that the claim excludes; check the store against the rules of `TokenStore`",
    )
}
