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

/// The future of [`TokenProvider::wait`](crate::token::TokenProvider::wait) on
/// a [`TokenCache`](super::TokenCache).
///
/// # Cancellation
///
/// Dropping the future does not stop the renewal.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{TokenCache, TokenError};
/// use tower_genesys::token::{IssuedToken, TokenProvider, source_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// let hour = Duration::from_secs(3600);
/// # let count = std::sync::atomic::AtomicU32::new(0);
/// # let next = move || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
/// let cache = TokenCache::new(source_fn(move |_| {
///     let secret = next();
///     async move { Ok(IssuedToken::new(secret, hour)) }
/// }));
/// let old = cache.token().await?;
/// assert!(cache.invalidate().is_renewing());
/// let new = cache.wait(old.generation()).await?;
/// assert!(new.generation() > old.generation());
/// # Ok(())
/// # }
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct Wait {
    shared: Arc<Shared>,
    /// The token that does not satisfy this caller.
    past: Generation,
    /// Whether `past` was reported as refused, or needs no report.
    reported: bool,
    ask: Ask,
    /// The key of this caller among the waiting ones, from its first wait on.
    waiter: Option<WaiterId>,
    /// The deadline of the renewal, on the runtime of the last poll.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    /// Waits for a token that is newer than `past`.
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

    /// Waits for a token that is valid for at least `lasting`.
    pub(super) fn lasting(shared: Arc<Shared>, lasting: Duration) -> Self {
        let mut wait = Self::past(shared, Generation::NONE);
        wait.ask.lasting = lasting;
        wait
    }

    /// Returns the token of the renewal, once it has one. All waiting callers
    /// read it at the same moment, so they must not queue for the lock.
    fn brought(&self) -> Option<AccessToken> {
        let since = self.ask.since.filter(|_| self.ask.lasting.is_zero())?;
        self.shared.newer(since.max(self.past))
    }

    /// Reports `past` as refused at the first poll. Fails if it is not renewed.
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

    /// Returns whether the renewal has passed its deadline.
    ///
    /// Each caller uses the clock of its own runtime, because the runtime of
    /// the renewal may have been dropped or stopped. The runtime of an earlier
    /// poll may have stopped too, so each poll creates a timer. That is cheap:
    /// most waits end at their second poll.
    fn poll_overdue(
        &mut self,
        overdue_at: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TokenError>> {
        // Without a timer the caller could wait forever.
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
        // Each pass asks the cache again. It waits only for a renewal in
        // flight, whose end wakes it; if the renewal is lost, the timer wakes
        // it. So every pending pass has a waker.
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
                "the token was not renewed: the API has refused several fresh tokens in a row; check \
                 that the tokens belong to the organisation and region of the request"
            }
            Rejection::Cooldown => {
                "the token was not renewed: the API refused it, and the token endpoint has just \
                 failed; see the error of the last renewal, and try again later"
            }
            _ => {
                "the token was not renewed: the API refused it, and its cache is closed or the \
                 caller is outside a tokio runtime; call from inside one, before `close`"
            }
        },
    )
}

fn same_token() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRenewable,
        "the token was not renewed: the API refused it, and the token endpoint returned the same one \
         again, or has just failed; try again later",
    )
}
