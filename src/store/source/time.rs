use std::time::Duration;

use tokio::time::Instant;

use super::round::Round;
use crate::{store::ShareableSource, token::FetchContext};

/// An answer to the cache has to be there before it stops waiting.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);
/// After a pause that the token endpoint asked for, there has to be time for a request.
const AFTER_COOLDOWN: Duration = Duration::from_secs(2);

/// When a fetch has to be over.
pub(super) fn limit(cx: &FetchContext) -> Instant {
    let limit = cx.deadline.checked_sub(BEFORE_DEADLINE);
    limit.unwrap_or(cx.deadline)
}

/// The time that a fetch has.
impl<S: ShareableSource> Round<'_, S> {
    pub(super) fn limit(&self) -> Instant {
        limit(&self.cx)
    }

    pub(super) fn has_time_after(&self, wait: Duration) -> bool {
        let then = Instant::now().checked_add(wait.saturating_add(AFTER_COOLDOWN));
        then.is_some_and(|then| then < self.limit())
    }

    /// Whether there is time enough for a request. Callers with less patience than most get an
    /// eighth of theirs.
    pub(super) fn has_time_for_request(&self) -> bool {
        let whole = self.limit().saturating_duration_since(self.begun);
        let left = self.limit().saturating_duration_since(Instant::now());
        left >= AFTER_COOLDOWN.min(whole / 8)
    }
}
