use tokio::time::Instant;

use super::{
    Login, limit,
    one_time::{Absent, Gone, Marked, Taken},
    store::{IssuedRefreshToken, RefreshTokenMark},
};
use crate::{
    runtime::by,
    token::{FetchContext, TokenError},
};

/// The mark on a stored refresh token that is being sent: what the next process
/// goes by.
impl<C, P, B> Login<C, P, B> {
    /// Marks the refresh token as in use. If that fails, it is not sent.
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
        // From here on it may be there, also when this future is dropped.
        taken.set_marked(Marked::Unknown);
        let marking = store.mark(IssuedRefreshToken::new(token));
        let now = Instant::now();
        // The other half is for the request.
        let half = limit(cx, now).saturating_duration_since(now) / 2;
        let answer = by(now + half, marking)
            .await
            .unwrap_or_else(|| Err("the store did not answer in time".into()))
            .map_err(|error| self.not_marked(error))?;
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

    /// Takes our mark off a refresh token that is certainly unspent. If that
    /// fails, the next fetch tries again.
    pub(super) async fn unmark(&self, taken: &mut Taken<'_>, cx: &FetchContext) {
        let (Some(store), Some(token)) = (&self.store, taken.to_be_unmarked()) else {
            return;
        };
        if !taken.is_current() {
            return;
        }
        let unmarking = store.unmark(IssuedRefreshToken::new(token));
        match by(limit(cx, Instant::now()), unmarking).await {
            Some(Ok(())) => taken.set_marked(Marked::No),
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
