use tokio::time::Instant;

use super::{
    cooldown::{doubled, later},
    settings::DamperSettings,
};

/// Limits the renewals that 401s force while the API refuses fresh tokens.
#[derive(Debug)]
pub(super) struct Damper {
    settings: DamperSettings,
    /// How many renewals were forced since the API last accepted tokens.
    forced: u32,
    /// The end of the pause after the last forced renewal.
    until: Option<Instant>,
    /// The time of the last refusal.
    refused_at: Option<Instant>,
}

impl Damper {
    pub(super) fn new(settings: DamperSettings) -> Self {
        Self {
            settings,
            forced: 0,
            until: None,
            refused_at: None,
        }
    }

    /// Records that the API refused a token, which the cache adopted at
    /// `adopted`.
    pub(super) fn refused(&mut self, adopted: Instant, now: Instant) {
        let quiet_since = self
            .refused_at
            .map_or(adopted, |refused| refused.max(adopted));
        // While the damper was active, no token was tested: that time does not
        // count as acceptance.
        let is_active = self.damped_until(now).is_some();
        if !is_active && now.saturating_duration_since(quiet_since) >= self.settings.accepted_after
        {
            self.forced = 0;
            self.until = None;
        }
        self.refused_at = Some(now);
    }

    /// Records a renewal that the owner forced during a cooldown.
    pub(super) fn pushed(&mut self, now: Instant) {
        // The API may have accepted tokens since the last refusal, but not
        // during a pause of the damper, in which no new token was tested.
        let quiet_since = self.refused_at.max(self.until).unwrap_or(now);
        self.refused(quiet_since, now);
        self.renewed(now);
    }

    /// Records that a forced renewal returned a new token.
    pub(super) fn renewed(&mut self, now: Instant) {
        self.forced = self.forced.saturating_add(1);
        self.damp(now);
    }

    /// Records that a forced renewal returned the refused token again.
    pub(super) fn same_token(&mut self, now: Instant) {
        // The endpoint has no other token, so further requests are useless: the
        // burst counts as used.
        self.forced = self.forced.saturating_add(1).max(self.settings.burst);
        self.damp(now);
    }

    /// Returns the time until which a 401 renews nothing.
    pub(super) fn damped_until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }

    /// Starts the pause, if the burst is used.
    fn damp(&mut self, now: Instant) {
        let settings = &self.settings;
        if let Some(past) = self.forced.checked_sub(settings.burst) {
            self.until = Some(later(now, doubled(settings.first, past, settings.longest)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::cache::CacheSettings;

    /// Returns how long the damper is active after each of `n` renewals that
    /// 401s forced.
    fn pauses(damper: &mut Damper, now: &mut Instant, n: usize) -> Vec<u64> {
        let mut pauses = Vec::new();
        for _ in 0..n {
            damper.refused(*now, *now);
            damper.renewed(*now);
            let pause = damper
                .damped_until(*now)
                .map_or(Duration::ZERO, |until| until - *now);
            pauses.push(pause.as_secs());
            *now += pause;
        }
        pauses
    }

    #[test]
    fn a_burst_of_three_then_ten_seconds_doubling_to_five_minutes() {
        let mut damper = Damper::new(CacheSettings::new().damper);
        let mut now = Instant::now();
        assert_eq!(
            pauses(&mut damper, &mut now, 9),
            [0, 0, 10, 20, 40, 80, 160, 300, 300]
        );
    }

    #[test]
    fn a_minute_of_acceptance_resets_it_and_a_refusal_within_it_does_not() {
        let mut damper = Damper::new(CacheSettings::new().damper);
        let mut now = Instant::now();
        pauses(&mut damper, &mut now, 5);
        let adopted = now;
        damper.refused(adopted, adopted + Duration::from_secs(50));
        damper.refused(adopted, adopted + Duration::from_secs(100));
        assert_eq!(damper.forced, 5);
        damper.refused(adopted, adopted + Duration::from_secs(160));
        assert_eq!(damper.forced, 0);
    }

    #[test]
    fn the_same_token_coming_back_damps_at_once() {
        let mut damper = Damper::new(CacheSettings::new().damper);
        let now = Instant::now();
        damper.refused(now, now);
        damper.same_token(now);
        assert_eq!(
            damper.damped_until(now),
            Some(now + Duration::from_secs(10))
        );
    }
}
