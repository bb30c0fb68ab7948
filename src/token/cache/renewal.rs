use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, thread, time::Duration};

use futures_util::{
    FutureExt,
    future::{Either, select},
};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, field};

use super::{
    cooldown::{doubled, later},
    machine::{RenewalId, Start},
    moment::Moment,
    shared::Shared,
};
use crate::token::{FetchContext, IssuedToken, Reason, TokenError, TokenErrorKind, TokenEvent};

type Fetched = Result<(IssuedToken, Moment), TokenError>;

/// Before the second request of a renewal; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// One renewal: owned by no caller, ended by its own deadline.
pub(super) fn run(shared: Arc<Shared>, start: Start) -> impl Future<Output = ()> + Send + 'static {
    let (id, reason, begun) = (start.id, start.reason, Instant::now());
    let task = Task {
        id,
        reason,
        begun,
        shared: Some(shared),
    };
    let span = tracing::info_span!(
        parent: None,
        "token_renewal",
        reason = start.reason.as_str(),
        login_host = field::Empty,
        outcome = field::Empty,
    );
    // It belongs to no caller, and shows all the same which one it was begun for.
    span.follows_from(Span::current());
    async move {
        let Some(shared) = task.shared.clone() else {
            return;
        };
        // A little before callers take the renewal for lost and start another one.
        let limit = shared.settings.deadline - shared.settings.deadline / 32;
        let deadline = later(Instant::now(), limit);
        let fetching = timeout_at(deadline, attempts(&shared, &start, deadline));
        let result = match AssertUnwindSafe(fetching).catch_unwind().await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_)) => Err(timed_out(&shared)),
            Err(_) => Err(panicked()),
        };
        task.finish(result);
    }
    .instrument(span)
}

/// Asks until there is a token, or it is pointless to ask again.
async fn attempts(shared: &Shared, start: &Start, deadline: Instant) -> Fetched {
    if let Some(host) = shared.source.login_host() {
        Span::current().record("login_host", host);
    }
    // An endpoint that fails again and again is asked once each time.
    let most = match start.follows_failure {
        true => 1,
        false => shared.settings.attempts,
    };
    let mut made = 0;
    let mut may_overlap = may_overlap(shared, start);
    loop {
        let result = if may_overlap && made + 1 < most {
            let (result, both) = overlapping(shared, start, deadline).await;
            made += u32::from(both);
            may_overlap = !both;
            result
        } else {
            request(shared, start, deadline).await
        };
        made += 1;
        let Err(error) = &result else { return result };
        // Nobody waits for a renewal in the background, unless the token was refused meanwhile.
        let in_background = start.reason.is_background() && !shared.has_waiters();
        if in_background || made >= most || !may_repeat(shared, error) {
            return result;
        }
        let pause = doubled(FIRST_PAUSE, made - 1, shared.settings.deadline);
        let pause = pause.mul_f64(fastrand::f64());
        if later(Instant::now(), pause) >= deadline {
            return result;
        }
        tracing::debug!(%error, ?pause, "asking for a token again");
        sleep(pause).await;
    }
}

/// Whether a second request may be made beside a slow one: somebody waits, and it costs a token at
/// most. A fetch that waits for other processes is left to them.
fn may_overlap(shared: &Shared, start: &Start) -> bool {
    let source = &shared.source;
    !start.reason.is_background() && source.may_overlap() && !source.keeps_deadline()
}

/// Makes a request, and a second one beside it if the first takes long: it may be lost. The first
/// good answer is used. Returns whether there were two.
///
/// The first goes on, since an endpoint that is merely slow would otherwise be asked again and
/// again, and none of its answers used.
async fn overlapping(shared: &Shared, start: &Start, deadline: Instant) -> (Fetched, bool) {
    let alone_until = later(Instant::now(), shared.settings.attempt_timeout);
    let mut first = pin!(request(shared, start, deadline));
    if let Ok(fetched) = timeout_at(alone_until, &mut first).await {
        return (fetched, false);
    }
    tracing::debug!("asking for a token a second time, beside the first");
    let second = pin!(request(shared, start, deadline));
    // The first good answer ends the other request; a failed one waits for what the other brings.
    let (failed, other) = match select(first, second).await {
        Either::Left((Err(error), second)) => (error, second.await),
        Either::Right((Err(error), first)) => (error, first.await),
        Either::Left((fetched, _)) | Either::Right((fetched, _)) => return (fetched, true),
    };
    // What the endpoint said goes before that nothing came.
    let fetched = other.map_err(|error| match error.kind() {
        _ if failed.asks_for_rest() => failed,
        TokenErrorKind::TimedOut => failed,
        _ => error,
    });
    (fetched, true)
}

async fn request(shared: &Shared, start: &Start, deadline: Instant) -> Fetched {
    let sent = shared.clock.now();
    let cx = FetchContext {
        reason: start.reason,
        deadline,
        rejected: start.rejected,
        expiry_margin: shared.settings.expiry_margin,
    };
    match timeout_at(deadline, shared.source.fetch(cx)).await {
        Ok(fetched) => fetched.map(|token| (token, sent)),
        Err(_) => Err(timed_out(shared)),
    }
}

fn may_repeat(shared: &Shared, error: &TokenError) -> bool {
    use TokenErrorKind as Kind;
    if error.asks_for_rest() {
        return false;
    }
    // A request that may have arrived is made again only where that spends nothing.
    match error.kind() {
        // Answered, so nothing was spent.
        Kind::Unavailable => true,
        Kind::Transport | Kind::TimedOut | Kind::Malformed => shared.source.is_repeatable(),
        _ => false,
    }
}

fn timed_out(shared: &Shared) -> TokenError {
    let message = "the token endpoint did not answer in time; check that it can be reached from here \
                   (proxy, firewall), or allow it more with `CacheSettings::with_deadline` \
                   (`with_attempt_timeout` is until a second request is made beside the first)";
    TokenError::new(TokenErrorKind::TimedOut, message)
        .with_login_host_of(shared.source.login_host())
}

fn panicked() -> TokenError {
    TokenError::new(
        TokenErrorKind::Panicked,
        "the code that fetches the token panicked; its message went to the panic hook",
    )
}

/// Tells the cache how a renewal ended, even when its task was dropped.
struct Task {
    id: RenewalId,
    reason: Reason,
    begun: Instant,
    shared: Option<Arc<Shared>>,
}

impl Task {
    fn finish(mut self, result: Fetched) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        let (reason, took) = (self.reason, self.begun.elapsed());
        let outcome = match shared.finish(self.id, result) {
            Some(Ok(generation)) => {
                tracing::info!(?took, "renewed the token");
                shared.tell(&TokenEvent::Renewed {
                    reason,
                    generation,
                    took,
                });
                "renewed"
            }
            Some(Err(error)) => {
                tracing::warn!(?took, %error, "the token was not renewed");
                shared.tell(&TokenEvent::Failed {
                    reason,
                    error: &error,
                    took,
                });
                error.kind().as_str()
            }
            None => {
                shared.tell(&TokenEvent::Abandoned { reason });
                "abandoned"
            }
        };
        Span::current().record("outcome", outcome);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            if thread::panicking() {
                // To start again at once would panic again, without end.
                let _ = shared.finish(self.id, Err(panicked()));
                return;
            }
            Span::current().record("outcome", "abandoned");
            shared.abort(self.id);
            shared.tell(&TokenEvent::Abandoned {
                reason: self.reason,
            });
        }
    }
}
