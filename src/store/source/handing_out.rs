use super::{link::Link, round::Round};
use crate::{
    store::{
        Claim, Entry, Fence, ShareableSource, StoreError, StoreErrorKind, StoreEvent, StoreKey,
        failure::check_after,
    },
    token::{IssuedToken, Moment},
};

/// What becomes of a token, from wherever it is.
impl<S: ShareableSource> Round<'_, S> {
    /// Uses the token of another process, if it can be.
    pub(super) fn adopt(&self, entry: &Entry, claim: &Claim) -> Option<IssuedToken> {
        // What is left was measured when the store was asked, at the latest now.
        let taken = Moment::now();
        let opened = match claim.accepts(entry) {
            true => self.link.sharing().envelope.open(&self.key, entry),
            false => Err(unasked()),
        };
        match opened {
            Ok(issued) => {
                let fence = entry.fence;
                self.link.tell(&StoreEvent::Adopted { fence });
                self.share(&issued, taken, fence);
                Some(self.hand_out(issued, taken))
            }
            Err(error) => {
                let kind = error.kind();
                self.link.tell(&StoreEvent::Missed { kind });
                tracing::debug!(%error, "why the value in the token store cannot be opened");
                None
            }
        }
    }

    /// Keeps a token that all have.
    pub(super) fn share(&self, issued: &IssuedToken, taken: Moment, fence: Fence) {
        self.link.share(&self.key, issued, taken, fence);
    }

    /// The token for the cache, which counts its life from when the fetch began.
    pub(super) fn hand_out(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        let left = issued
            .remaining()
            .saturating_sub(Moment::now().since(taken));
        issued.with_remaining(left.saturating_add(self.begun.elapsed()))
    }

    /// A token that only this process has, to be brought together with the others soon.
    pub(super) fn hand_out_unshared(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        self.link.local().alone = true;
        self.hand_out(issued, taken).with_check_in(check_after())
    }

    /// The token of this process in place of another one, if it does for now.
    pub(super) fn stay(&self) -> Option<IssuedToken> {
        let spare = self.link.spare(Some(&self.key), &self.cx)?;
        Some(self.hand_out(spare, Moment::now()))
    }
}

impl Link {
    pub(super) fn share(&self, key: &StoreKey, issued: &IssuedToken, taken: Moment, fence: Fence) {
        let was_alone = self.local().share(key, issued.clone(), taken, fence);
        if was_alone {
            self.tell(&StoreEvent::Converged { fence });
        }
    }
}

fn unasked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "the token store gave a token that was not asked for; check that it keeps the rules of `TokenStore`",
    )
}
