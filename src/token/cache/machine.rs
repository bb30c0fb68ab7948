use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{
    clock::Moment,
    damper::Damper,
    gate::{Gate, later},
    settings::CacheSettings,
};
use crate::token::{
    AccessToken, Fingerprint, Generation, IssuedToken, Reason, Rejection, TokenError,
    TokenErrorKind,
};

/// The rules of a cache, without clock, task or lock of their own: each event comes with the time
/// at which it happened, and what is to be done is returned.
#[derive(Debug)]
pub(super) struct Machine {
    settings: CacheSettings,
    held: Option<Held>,
    renewing: Option<Renewing>,
    gate: Gate,
    damper: Damper,
    closed: bool,
    last_id: RenewalId,
    last_failure: Option<(RenewalId, TokenError)>,
    rng: fastrand::Rng,
}

/// The ordinal of a renewal, by which the result of one that was given up is recognised.
pub(super) type RenewalId = u64;

#[derive(Debug)]
struct Held {
    token: AccessToken,
    sent: Moment,
    adopted: Instant,
    due_after: Duration,
    expires_after: Duration,
    refused: Option<Reason>,
}

#[derive(Clone, Copy, Debug)]
struct Renewing {
    id: RenewalId,
    reason: Reason,
    overdue_at: Instant,
}

/// A renewal that is to be started now.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) id: RenewalId,
    pub(super) reason: Reason,
    pub(super) rejected: Option<Fingerprint>,
}

/// What a caller wants who asks for a token.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ask {
    /// The renewal for which it has waited so far.
    pub(super) waited: Option<RenewalId>,
    /// For how long it will need the token.
    pub(super) lasting: Duration,
}

/// What a caller gets who asks for a token.
#[derive(Debug)]
pub(super) enum Answer {
    Serve(AccessToken),
    /// For the renewal of this id, and no longer than until `overdue_at`.
    Wait {
        id: RenewalId,
        overdue_at: Instant,
    },
    Fail(TokenError),
}

/// What can be served without asking again, and until when.
#[derive(Debug)]
pub(super) struct View {
    pub(super) token: AccessToken,
    pub(super) until: Instant,
    pub(super) wall_until: SystemTime,
}

/// The age of a token in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Fresh,
    Due,
    Expired,
}

impl Machine {
    pub(super) fn new(settings: CacheSettings, rng: fastrand::Rng) -> Self {
        Self {
            settings,
            held: None,
            renewing: None,
            gate: Gate::new(settings.gate),
            damper: Damper::new(settings.damper),
            closed: false,
            last_id: 0,
            last_failure: None,
            rng,
        }
    }

    /// A caller wants a token.
    ///
    /// A renewal that is past its deadline counts as gone: its task is on a runtime that nobody
    /// drives, and the next caller starts another one under a new id.
    pub(super) fn ask(&mut self, ask: Ask, now: Moment) -> (Answer, Option<Start>) {
        if self
            .renewing
            .is_some_and(|renewing| renewing.overdue_at <= now.mono)
        {
            self.renewing = None;
        }
        if let Some(error) = self.failed_since(ask.waited) {
            return (Answer::Fail(error), None);
        }
        if self.remaining(now).is_some_and(|left| left < ask.lasting) {
            return self.ask_for_longer(ask, now);
        }
        let Some(reason) = self.wants_renewal(now) else {
            return (self.serve_or_wait(now), None);
        };
        if self.closed {
            return (self.serve_or_fail(now, closed()), None);
        }
        let start = self.start(reason, now);
        (self.serve_or_wait(now), Some(start))
    }

    /// The token is good, but not for as long as the caller needs it.
    fn ask_for_longer(&mut self, ask: Ask, now: Moment) -> (Answer, Option<Start>) {
        let start = match (self.renewing, self.gate.error(now.mono)) {
            (Some(_), _) => None,
            (None, _) if ask.waited.is_some() => return (Answer::Fail(too_short()), None),
            (None, _) if self.closed => return (Answer::Fail(closed()), None),
            (None, Some(error)) => return (Answer::Fail(error.clone()), None),
            (None, None) => Some(self.start(Reason::Due, now)),
        };
        (self.wait(), start)
    }

    /// The API refused the token of this generation, or its owner wants another one.
    pub(super) fn refuse(
        &mut self,
        generation: Generation,
        reason: Reason,
        now: Moment,
    ) -> (Rejection, Option<Start>) {
        let Some(held) = &mut self.held else {
            return (Rejection::CannotRenew, None);
        };
        if generation < held.token.generation() {
            return (Rejection::Superseded, None);
        }
        if generation > held.token.generation() || self.closed {
            return (Rejection::CannotRenew, None);
        }
        held.refused = Some(reason);
        self.damper.refused(held.adopted, now.mono);
        if self
            .renewing
            .is_some_and(|renewing| now.mono < renewing.overdue_at)
        {
            return (Rejection::Renewing, None);
        }
        if self.gate.error(now.mono).is_some() {
            return (Rejection::Gated, None);
        }
        if self.damper.damped_until(now.mono).is_some() {
            return (Rejection::Damped, None);
        }
        (Rejection::Renewing, Some(self.start(reason, now)))
    }

    /// A renewal has ended. Returns what it came to, or `None` when it was given up before.
    pub(super) fn finish(
        &mut self,
        id: RenewalId,
        result: Result<(IssuedToken, Moment), TokenError>,
        now: Moment,
    ) -> Option<Result<Generation, TokenError>> {
        if self.renewing.is_none_or(|renewing| renewing.id != id) {
            return None;
        }
        self.renewing = None;
        let adopted = result.and_then(|(issued, sent)| self.adopt(&issued, sent, now));
        Some(adopted.map_err(|error| {
            let pause = self
                .held
                .as_ref()
                .map_or(Duration::ZERO, Held::background_pause);
            let error = self.gate.shut(error, now.mono, pause, &mut self.rng);
            self.last_failure = Some((id, error.clone()));
            error
        }))
    }

    /// The task of a renewal is gone without a result. That is no failure of the token endpoint:
    /// who waits starts again at once.
    pub(super) fn abort(&mut self, id: RenewalId) {
        if self.renewing.is_some_and(|renewing| renewing.id == id) {
            self.renewing = None;
        }
    }

    /// Takes a token that was had elsewhere, as if it had been fetched now.
    pub(super) fn start_from(
        &mut self,
        issued: &IssuedToken,
        now: Moment,
    ) -> Result<Generation, TokenError> {
        self.adopt(issued, now, now)
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.renewing = None;
    }

    /// What callers may be served without asking, as things stand now.
    pub(super) fn view(&self, now: Moment) -> Option<View> {
        let held = self.held.as_ref()?;
        let mut age_limit = held.expires_after;
        let mut until = None;
        match (held.refused, self.renewing) {
            (Some(_), Some(_)) => return None,
            (None, Some(renewing)) => until = Some(renewing.overdue_at),
            (Some(_), None) if self.closed => {}
            (Some(_), None) => until = Some(self.refused_until(now.mono)?),
            (None, None) if self.closed => {}
            (None, None) => match self.gate.opens_for_background() {
                Some(opens) if opens > held.due_at() => until = Some(opens),
                _ => age_limit = held.due_after,
            },
        }
        let limit = later(held.sent.mono, age_limit);
        let wall_until = held
            .sent
            .wall
            .checked_add(age_limit)
            .unwrap_or(held.sent.wall);
        let token = held.token.clone();
        Some(View {
            token,
            until: until.map_or(limit, |until| until.min(limit)),
            wall_until,
        })
    }

    /// When something is to be decided again, if nothing happens until then.
    pub(super) fn looks_again_at(&self, now: Moment) -> Option<Instant> {
        match self.view(now) {
            Some(view) => Some(view.until),
            None => self.gate.opens(),
        }
    }

    pub(super) fn token(&self) -> Option<&AccessToken> {
        self.held.as_ref().map(|held| &held.token)
    }

    /// How much longer the token may be sent.
    pub(super) fn remaining(&self, now: Moment) -> Option<Duration> {
        let held = self.held.as_ref()?;
        held.expires_after
            .checked_sub(now.since(held.sent))
            .filter(|left| !left.is_zero())
    }

    pub(super) fn renewing(&self) -> Option<Reason> {
        self.renewing.map(|renewing| renewing.reason)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Why a renewal should be started now, if one should and may.
    fn wants_renewal(&self, now: Moment) -> Option<Reason> {
        if self.renewing.is_some() {
            return None;
        }
        let gated = self.gate.error(now.mono).is_some();
        let Some(held) = &self.held else {
            return (!gated).then_some(Reason::Missing);
        };
        match (held.age(now), held.refused) {
            (Age::Expired, _) => (!gated).then_some(Reason::Expired),
            (_, Some(reason)) if !gated && self.damper.damped_until(now.mono).is_none() => {
                Some(reason)
            }
            (Age::Due, _) => {
                let rests = self
                    .gate
                    .opens_for_background()
                    .is_some_and(|opens| now.mono < opens);
                (!rests && !self.closed).then_some(Reason::Due)
            }
            _ => None,
        }
    }

    fn wait(&self) -> Answer {
        match self.renewing {
            Some(Renewing { id, overdue_at, .. }) => Answer::Wait { id, overdue_at },
            // Nothing was started, so the gate is shut.
            None => Answer::Fail(self.gate.last_error().cloned().unwrap_or_else(closed)),
        }
    }

    fn serve_or_wait(&self, now: Moment) -> Answer {
        let held = self
            .held
            .as_ref()
            .filter(|held| held.age(now) != Age::Expired);
        match held {
            Some(held) if held.refused.is_none() || self.renewing.is_none() => {
                Answer::Serve(held.token.clone())
            }
            _ => self.wait(),
        }
    }

    fn serve_or_fail(&self, now: Moment, error: TokenError) -> Answer {
        match &self.held {
            Some(held) if held.age(now) != Age::Expired => Answer::Serve(held.token.clone()),
            _ => Answer::Fail(error),
        }
    }

    fn failed_since(&self, waited: Option<RenewalId>) -> Option<TokenError> {
        let (id, error) = self.last_failure.as_ref()?;
        (waited? <= *id).then(|| error.clone())
    }

    fn start(&mut self, reason: Reason, now: Moment) -> Start {
        self.last_id += 1;
        let id = self.last_id;
        let overdue_at = later(now.mono, self.settings.deadline);
        self.renewing = Some(Renewing {
            id,
            reason,
            overdue_at,
        });
        let refused = self
            .held
            .as_ref()
            .filter(|held| held.refused == Some(Reason::Rejected));
        let rejected = refused.map(|held| Fingerprint::of(held.token.expose()));
        Start {
            id,
            reason,
            rejected,
        }
    }

    fn adopt(
        &mut self,
        issued: &IssuedToken,
        sent: Moment,
        now: Moment,
    ) -> Result<Generation, TokenError> {
        let current = self
            .held
            .as_ref()
            .map_or(Generation::NONE, |held| held.token.generation());
        let token = AccessToken::new(issued.expose(), current.next())?;
        let mut new = self.schedule(token, issued, sent, now);
        if new.age(now) == Age::Expired {
            return Err(expired_on_arrival());
        }
        self.gate.open();
        if let Some(held) = &self.held {
            if held.token.expose() == new.token.expose() {
                new.token = held.token.clone();
                new.refused = held.refused;
                self.gate.rest(now.mono, new.background_pause());
            }
            match held.refused {
                Some(_) if new.refused.is_some() => self.damper.same_token(now.mono),
                Some(Reason::Rejected) => self.damper.renewed(now.mono),
                _ => {}
            }
        }
        let generation = new.token.generation();
        self.held = Some(new);
        Ok(generation)
    }

    /// Sets the two times of a token, both counted from when the request for it was sent.
    fn schedule(
        &mut self,
        token: AccessToken,
        issued: &IssuedToken,
        sent: Moment,
        now: Moment,
    ) -> Held {
        // With less, a service that hands out tokens without a life would be asked in a loop.
        const SHORTEST: Duration = Duration::from_secs(2);
        // Genesys' longest, for SCIM clients; more than any clock needs to be able to show.
        const LONGEST: Duration = Duration::from_secs(38_880_000);
        let life = issued.lifetime().clamp(SHORTEST, LONGEST);
        let remaining = if issued.lifetime() < SHORTEST {
            life
        } else {
            issued.remaining().min(life)
        };
        let margin = self.settings.renew_before.min(life / 4);
        let share = if self.settings.jitter {
            self.rng.f64()
        } else {
            0.0
        };
        let jitter = (margin / 2).mul_f64(share);
        let leeway = self.settings.expiry_margin.min(life / 10);
        Held {
            token,
            sent,
            adopted: now.mono,
            due_after: remaining.saturating_sub(margin + jitter),
            expires_after: remaining.saturating_sub(leeway),
            refused: None,
        }
    }

    /// Until when a refused token is served on all the same.
    fn refused_until(&self, now: Instant) -> Option<Instant> {
        let gated = self.gate.opens().filter(|opens| now < *opens);
        gated.max(self.damper.damped_until(now))
    }
}

impl Held {
    fn age(&self, now: Moment) -> Age {
        match now.since(self.sent) {
            age if age >= self.expires_after => Age::Expired,
            age if age >= self.due_after => Age::Due,
            _ => Age::Fresh,
        }
    }

    fn due_at(&self) -> Instant {
        later(self.sent.mono, self.due_after)
    }

    /// How long renewals that nobody waits for rest after one that was in vain: an eighth of the
    /// time between due and expiry, so that there are about eight whatever the life of the token.
    fn background_pause(&self) -> Duration {
        let span = self.expires_after.saturating_sub(self.due_after);
        (span / 8).max(Duration::from_secs(1))
    }
}

fn closed() -> TokenError {
    TokenError::new(
        TokenErrorKind::Closed,
        "the token cache was closed, and renews nothing any more; make requests before closing it",
    )
}

fn too_short() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRenewable,
        "a fresh token does not live for as long as was asked for; ask for less, or have the OAuth \
         client give out tokens that live longer",
    )
}

fn expired_on_arrival() -> TokenError {
    TokenError::new(
        TokenErrorKind::Malformed,
        "the token had already expired when it arrived; check the clock of this machine, and how \
         long the token endpoint takes to answer",
    )
}
