use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use super::{
    cell::WaiterId,
    machine::{Ask, Decision},
    shared::{Shared, no_runtime},
};
use crate::{
    runtime,
    token::{AccessToken, Generation, Rejection, TokenError, TokenErrorKind},
};

/// The future of [`TokenProvider::wait`](crate::token::TokenProvider::wait) on a
/// [`TokenCache`](super::TokenCache).
///
/// # Cancellation
///
/// Dropping it leaves the renewal that it waits for alone.
///
/// There is an example in the [module docs](crate::token).
#[must_use = "a future does nothing until it is awaited"]
pub struct Wait {
    shared: Arc<Shared>,
    past: Generation,
    reported: bool,
    ask: Ask,
    waiter: Option<WaiterId>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    pub(super) fn past(shared: Arc<Shared>, past: Generation) -> Self {
        let reported = past == Generation::NONE;
        let ask = Ask::default();
        Self {
            shared,
            past,
            reported,
            ask,
            waiter: None,
            timer: None,
        }
    }

    pub(super) fn lasting(shared: Arc<Shared>, lasting: Duration) -> Self {
        let mut wait = Self::past(shared, Generation::NONE);
        wait.ask.lasting = lasting;
        wait
    }

    /// The token that the renewal has brought, once it has. All who waited come for it at the same
    /// moment: they shall not have to queue for the lock.
    fn brought(&self) -> Option<AccessToken> {
        let since = self.ask.since.filter(|_| self.ask.lasting.is_zero())?;
        self.shared.newer(since.max(self.past))
    }

    fn report_past(&mut self) -> Result<(), TokenError> {
        if self.reported {
            return Ok(());
        }
        self.reported = true;
        match self.shared.report(self.past) {
            Rejection::Superseded | Rejection::Renewing => Ok(()),
            refused => Err(not_renewable(refused)),
        }
    }

    /// Whether the renewal that is waited for has had its time.
    ///
    /// Each caller looks at its own runtime's clock: the one on which the renewal runs may have
    /// been dropped, or not be driven by anybody. So may the one on which this was polled before,
    /// which is why the timer of that is not relied on: few waits are polled again without an end.
    fn poll_overdue(
        &mut self,
        overdue_at: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TokenError>> {
        // Without one it could wait for ever.
        let timer = runtime::sleep_until(overdue_at).ok_or_else(no_runtime)?;
        self.timer.insert(timer).as_mut().poll(cx).map(Ok)
    }
}

impl Future for Wait {
    type Output = Result<AccessToken, TokenError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.report_past()?;
        if let Some(token) = this.brought() {
            return Poll::Ready(Ok(token));
        }
        // Each pass asks the cache again. It waits only for a renewal under way, which wakes it at
        // its end; if the renewal is lost, the timer wakes it. So every pending pass has a waker.
        loop {
            match this
                .shared
                .ask_or_wait(this.ask, &mut this.waiter, cx.waker())?
            {
                Decision::Serve(token) if token.generation() <= this.past => {
                    return Poll::Ready(Err(same_token()));
                }
                Decision::Serve(token) => return Poll::Ready(Ok(token)),
                Decision::Fail(error) => return Poll::Ready(Err(error)),
                Decision::Wait {
                    id,
                    overdue_at,
                    current,
                } => {
                    this.ask.waited = Some(id);
                    this.ask.since.get_or_insert(current);
                    ready!(this.poll_overdue(overdue_at, cx))?;
                }
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter {
            self.shared.forget(waiter);
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("past", &self.past)
            .finish_non_exhaustive()
    }
}

fn not_renewable(rejection: Rejection) -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRenewable,
        match rejection {
            Rejection::Damped => {
                "the API goes on refusing fresh tokens, so no other one is fetched now; check that \
                 the tokens are of the organisation and region that the request goes to"
            }
            Rejection::Cooldown => {
                "the API refused the token, and the token endpoint has just failed; try again later"
            }
            _ => "the API refused the token, and it cannot be renewed",
        },
    )
}

fn same_token() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRenewable,
        "the API refused the token, and there is no newer one: the token endpoint gave the very same \
         one again, or has just failed",
    )
}
