use tokio::time::{Instant, sleep};

use super::{lost_claim::LostClaim, publishing::cooldown_after, round::Round};
use crate::{
    store::{ShareableSource, StoreEvent},
    token::{IssuedToken, Moment, TokenError, TokenErrorKind},
};

impl<S: ShareableSource> Round<'_, S> {
    /// Goes on without the store. A claim that it may have granted is settled as soon as there is a
    /// token, or there will be none for now.
    pub(super) async fn alone(
        &self,
        mut lost: Option<LostClaim>,
    ) -> Result<IssuedToken, TokenError> {
        if let Some(token) = self.stay() {
            return Ok(token);
        }
        let wait = self.link.local().limiter.wait(Instant::now());
        if !wait.is_zero() {
            self.link.tell(&StoreEvent::Limited { wait });
            // Not in the condition, which would hold the lock until the end of the block.
            let token = self.link.local().last_resort(&self.key, &self.cx);
            if let Some(token) = token {
                return Ok(self.hand_out_unshared(token, Moment::now()));
            }
            if !self.has_time_after(wait) {
                let message = "the token store cannot be used, and this process has asked for a token by itself shortly \
                               before; it does so once in 10 seconds";
                let error = self.error(TokenErrorKind::Throttled, message);
                return Err(error.with_retry_after(wait));
            }
            drop(lost.take());
            sleep(wait).await;
        }
        self.link.local().limiter.made(Instant::now());
        self.link.tell(&StoreEvent::WentAlone {});
        let requested = self.request().await;
        if let (Err(error), Some(lost)) = (&requested, &mut lost) {
            // A time-out may be for want of time, and says nothing of the endpoint then.
            let is_cut = error.kind() == TokenErrorKind::TimedOut;
            lost.cool_down(cooldown_after(error).filter(|_| !is_cut));
        }
        let (issued, taken) = requested?;
        self.link.local().keep(&self.key, issued.clone(), taken);
        Ok(self.hand_out_unshared(issued, taken))
    }
}
