use std::sync::{Arc, Mutex, MutexGuard};

use tower_genesys::{
    retry::{RetryEvent, RetryObserver},
    token::{Reason, TokenEvent, TokenObserver},
};

/// The counts of one organisation: its calls, its renewals and its trouble.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) calls: u64,
    pub(crate) retries: u64,
    pub(crate) replays: u64,
    pub(crate) gave_up: u64,
    /// Calls that returned something other than success.
    pub(crate) failures: u64,
    /// Failures that the trouble explains: a write that met a 503 or a broken
    /// connection, or any call during an outage of the API.
    pub(crate) excused: u64,
    pub(crate) revocations: u64,
    pub(crate) renewals_started: u64,
    pub(crate) renewed: u64,
    pub(crate) renewals_failed: u64,
    pub(crate) first: u64,
    pub(crate) after_refusal: u64,
    pub(crate) refusals: u64,
}

impl Entries {
    /// The expected sends: one per call, and one per announced retry and
    /// replay.
    pub(crate) fn sends(&self) -> u64 {
        self.calls + self.retries + self.replays
    }

    pub(crate) fn assert_closed(&self) {
        assert!(self.calls > 1000, "{self:?}");
        assert!(self.revocations > 0 && self.retries > 0, "{self:?}");
        assert!(
            self.renewed > self.first + self.revocations,
            "no token was due"
        );
        assert_eq!(self.failures, self.excused, "failures and excuses");
        assert_eq!(self.gave_up, self.failures, "each failure says why");
        let ended = self.renewed + self.renewals_failed;
        assert_eq!(self.renewals_started, ended, "each renewal ends once");
        assert_eq!(self.first, 1, "one renewal without a token");
        // One request meets each revocation, renews the token and is replayed.
        assert_eq!(self.refusals, self.revocations, "refusals");
        assert_eq!(self.after_refusal, self.revocations, "renewals");
        assert_eq!(self.replays, self.revocations, "replays");
    }
}

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

impl Ledger {
    pub(crate) fn read(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().expect("no panic")
    }

    pub(crate) fn retries(&self) -> impl RetryObserver + use<> {
        let ledger = self.clone();
        move |event: &RetryEvent<'_>| {
            let mut entries = ledger.read();
            match event {
                RetryEvent::Scheduled { .. } => entries.retries += 1,
                RetryEvent::Resent { .. } => entries.replays += 1,
                RetryEvent::GaveUp { .. } => entries.gave_up += 1,
                _ => {}
            }
        }
    }

    pub(crate) fn tokens(&self) -> impl TokenObserver + use<> {
        let ledger = self.clone();
        move |event: &TokenEvent<'_>| {
            let mut entries = ledger.read();
            match event {
                TokenEvent::Started { reason, .. } => {
                    entries.renewals_started += 1;
                    match reason {
                        Reason::Missing => entries.first += 1,
                        Reason::Rejected => entries.after_refusal += 1,
                        Reason::Due => {}
                        other => panic!("a token was renewed because of {other:?}"),
                    }
                }
                TokenEvent::Renewed { .. } => entries.renewed += 1,
                TokenEvent::Failed { .. } => entries.renewals_failed += 1,
                TokenEvent::Rejected { .. } => entries.refusals += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}
