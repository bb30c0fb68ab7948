use std::{error::Error, panic::AssertUnwindSafe, pin::pin, sync::Arc, thread, time::Duration};

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

/// The token of a request, and when the request was sent.
type Fetched = Result<(IssuedToken, Moment), TokenError>;

/// Reports the end of a renewal to the cache, even if its task was dropped.
struct Task {
    id: RenewalId,
    reason: Reason,
    begun: Instant,
    shared: Option<Arc<Shared>>,
}

/// The pause before the second request of a renewal; it doubles before each
/// further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Runs one renewal, independent of any caller, until its own deadline.
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
    // The renewal is independent of its caller; the link shows which caller
    // started it.
    span.follows_from(Span::current());
    async move {
        let Some(shared) = task.shared.clone() else {
            return;
        };
        // Ends shortly before callers take the renewal for lost and start
        // another one.
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

/// Sends token requests until one returns a token, or another one cannot help.
async fn attempts(shared: &Shared, start: &Start, deadline: Instant) -> Fetched {
    if let Some(host) = shared.source.login_host() {
        Span::current().record("login_host", host);
    }
    // After a failed renewal the endpoint gets one request, not a series.
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
        // A caller waits for a background renewal only if the token became
        // unusable meanwhile, or expires too early for that caller.
        let in_background = start.reason.is_background() && !shared.has_waiters();
        if in_background || made >= most || !may_repeat(shared, error) {
            return result;
        }
        let pause = doubled(FIRST_PAUSE, made - 1, shared.settings.deadline);
        let pause = pause.mul_f64(fastrand::f64());
        if later(Instant::now(), pause) >= deadline {
            return result;
        }
        tracing::debug!(
            error = with_causes(error),
            ?pause,
            "retrying the token request"
        );
        sleep(pause).await;
    }
}

/// Returns whether a second request may run in parallel to a slow one: a caller
/// waits, and the cost is at most one token. A fetch that waits for another
/// process gets none.
fn may_overlap(shared: &Shared, start: &Start) -> bool {
    let source = &shared.source;
    !start.reason.is_background() && source.may_overlap() && !source.keeps_deadline()
}

/// Sends a request, and a second one in parallel if the first is slow and may
/// be lost. Uses the first good response, and returns whether there were two
/// requests.
///
/// The first request stays in flight: otherwise a merely slow endpoint would
/// get request after request, and none of its responses would be used.
async fn overlapping(shared: &Shared, start: &Start, deadline: Instant) -> (Fetched, bool) {
    let alone_until = later(Instant::now(), shared.settings.attempt_timeout);
    let mut first = pin!(request(shared, start, deadline));
    if let Ok(fetched) = timeout_at(alone_until, &mut first).await {
        return (fetched, false);
    }
    tracing::debug!("the token request is slow: sending a second one in parallel");
    let second = pin!(request(shared, start, deadline));
    // A good response cancels the other request. After a failure, the result of
    // the other one counts.
    let (failed, other) = match select(first, second).await {
        Either::Left((Err(error), second)) => (error, second.await),
        Either::Right((Err(error), first)) => (error, first.await),
        Either::Left((fetched, _)) | Either::Right((fetched, _)) => return (fetched, true),
    };
    // A pause that the endpoint asked for counts first. Otherwise the later
    // error counts, but a time-out tells less than any other.
    let fetched = other.map_err(|error| match error.kind() {
        _ if failed.asks_for_rest() => failed,
        TokenErrorKind::TimedOut => failed,
        _ => error,
    });
    (fetched, true)
}

/// Sends one token request, until the renewal's deadline.
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

/// Returns whether the renewal may send another request after this error.
fn may_repeat(shared: &Shared, error: &TokenError) -> bool {
    use TokenErrorKind as Kind;
    if error.asks_for_rest() {
        return false;
    }
    // A request that may have arrived is repeated only if the source allows it.
    match error.kind() {
        // The endpoint responded with a failure, so the grant is unused.
        Kind::Unavailable => true,
        Kind::Transport | Kind::TimedOut | Kind::Malformed => shared.source.is_repeatable(),
        _ => false,
    }
}

fn timed_out(shared: &Shared) -> TokenError {
    let message = "the token endpoint did not respond in time; check that it can be reached from here \
                   (proxy, firewall), or raise `CacheSettings::with_deadline` \
                   (`with_attempt_timeout` only sets when a second request starts)";
    TokenError::new(TokenErrorKind::TimedOut, message)
        .with_login_host_of(shared.source.login_host())
}

/// Returns the error in the form that `tracing` records with its causes. Its
/// own text does not say whether a refused connection, a proxy or a certificate
/// was the fault.
fn with_causes(error: &TokenError) -> &(dyn Error + 'static) {
    error
}

fn panicked() -> TokenError {
    TokenError::new(
        TokenErrorKind::Panicked,
        "the token was not renewed: the code that fetches it panicked; see the panic message on \
         stderr, or in the panic hook",
    )
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
                let logged = with_causes(&error);
                tracing::warn!(?took, error = logged, "the token was not renewed");
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
                // An immediate restart would panic again, in an endless loop,
                // so a panic counts as a failure.
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
