//! How a login uses its store: it stores each refresh token before its token is
//! used, and marks it before it is sent, so that the next process knows whether
//! it may be used up.

use tokio::time::Instant;

use super::{
    Login,
    grant::{Absent, Gone, Marked},
    limit,
    slot::Taken,
    store::{IssuedRefreshToken, RefreshTokenMark},
};
use crate::{
    runtime::by,
    token::{FetchContext, TokenError},
};

impl<C, P, B> Login<C, P, B> {
    /// Stores the newest refresh token, if that is yet to be done.
    pub(super) async fn persist(&self, taken: &mut Taken<'_>) -> Result<(), TokenError> {
        let Some(token) = taken.unpersisted() else {
            return Ok(());
        };
        self.check_current(taken)?;
        if let Some(store) = &self.store {
            let token = IssuedRefreshToken::new(token.clone());
            store
                .persist(token)
                .await
                .map_err(|error| self.not_persisted(error))?;
        }
        taken.persisted();
        self.check_current(taken)
    }

    /// Marks the refresh token as in use. If that fails, the login does not
    /// send it.
    ///
    /// A write that failed may have been carried out. So a mark that is found
    /// after a failed mark of this process counts as its own, since each login
    /// belongs to one process at a time.
    pub(super) async fn mark(
        &self,
        taken: &mut Taken<'_>,
        cx: &FetchContext,
    ) -> Result<(), TokenError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let Some((token, before)) = taken.to_be_marked() else {
            return Ok(());
        };
        // From here on the store may hold the mark, even if this future is
        // dropped.
        taken.set_marked(Marked::Unknown);
        let marking = store.mark(IssuedRefreshToken::new(token));
        let now = Instant::now();
        // The other half is for the request.
        let half = limit(cx, now).saturating_duration_since(now) / 2;
        let answer = by(now + half, marking)
            .await
            .unwrap_or_else(|| Err("the store did not answer in time".into()))
            .map_err(|error| self.not_marked(error))?;
        // After an unknown write, a mark is this process's own, even if marked
        // tokens are tried: `unmark` removes own marks only.
        taken.set_marked(match answer {
            RefreshTokenMark::Set => Marked::Own,
            RefreshTokenMark::Unsupported => Marked::No,
            RefreshTokenMark::Found if before == Marked::Unknown => Marked::Own,
            RefreshTokenMark::Found if self.tries_marked => Marked::Foreign,
            RefreshTokenMark::Found => return Err(self.given_up(taken, Gone::Marked)),
            // Certainly used up, whether or not an earlier mark of this process
            // was stored.
            RefreshTokenMark::Replaced => return Err(self.given_up(taken, Gone::Replaced)),
        });
        Ok(())
    }

    fn given_up(&self, taken: &mut Taken<'_>, gone: Gone) -> TokenError {
        taken.lose(gone);
        self.absent(Absent::Gone(gone))
    }

    /// Removes this process's mark from a refresh token that is certainly not
    /// used up. If that fails, the next fetch tries again.
    pub(super) async fn unmark(&self, taken: &mut Taken<'_>, cx: &FetchContext) {
        let (Some(store), Some(token)) = (&self.store, taken.to_be_unmarked()) else {
            return;
        };
        // The store already belongs to the new login.
        if !taken.is_current() {
            return;
        }
        let unmarking = store.unmark(IssuedRefreshToken::new(token));
        match by(limit(cx, Instant::now()), unmarking).await {
            Some(Ok(())) => taken.set_marked(Marked::No),
            // The fetch continues: only a process that starts from the store
            // heeds the mark.
            Some(Err(error)) => {
                tracing::debug!(
                    error,
                    "the mark on the refresh token could not be taken off"
                );
            }
            None => {}
        }
    }
}
