//! The place of a login's grant. One request at a time has the grant, and one
//! that is dropped leaves a state that is safe to continue from.

use std::{
    fmt,
    sync::{Mutex, MutexGuard},
};

use secrecy::SecretString;
use tokio::time::Instant;

use super::grant::{Absent, Gone, Grant, Marked, Refresh};
use crate::{
    lock::lock,
    token::{IssuedToken, Reason},
};

/// Holds a grant, gives it to one request at a time, and remembers why it is
/// gone.
///
/// The lock is held for a moment only, never across an await: a request takes
/// the grant out, and [`Taken`] puts the successor in its place, however the
/// request ends.
pub(super) struct Slot {
    state: Mutex<State>,
}

struct State {
    held: Held,
    /// Counts replacements. A request that began before one must not undo it.
    epoch: u64,
}

enum Held {
    Here(Grant),
    /// A request has it.
    Taken,
    Gone(Gone),
}

/// A grant in the hands of one request. Dropping it decides what the slot holds
/// next.
pub(super) struct Taken<'a> {
    slot: &'a Slot,
    epoch: u64,
    /// Goes back into the slot. Empty once the grant is sent.
    grant: Option<Grant>,
    /// The reason that goes into the slot if there is no grant.
    gone: Gone,
}

impl Slot {
    pub(super) fn new(grant: Grant) -> Self {
        Self {
            state: Mutex::new(State {
                held: Held::Here(grant),
                epoch: 0,
            }),
        }
    }

    /// Starts a new login, whatever the old one is doing.
    pub(super) fn replace(&self, grant: Grant) {
        let mut state = self.lock();
        state.epoch = state.epoch.wrapping_add(1);
        state.held = Held::Here(grant);
    }

    /// Takes the grant out for one request.
    pub(super) fn take(&self) -> Result<Taken<'_>, Absent> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.held, Held::Taken) {
            Held::Here(grant) => Ok(Taken {
                slot: self,
                epoch: state.epoch,
                grant: Some(grant),
                gone: Gone::Interrupted,
            }),
            Held::Taken => Err(Absent::InUse),
            // Only a new login brings a grant back, so the reason stays.
            Held::Gone(gone) => {
                state.held = Held::Gone(gone);
                Err(Absent::Gone(gone))
            }
        }
    }

    /// Reports whether no request can bring a grant back.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.lock().held, Held::Gone(_))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Taken<'_> {
    /// Takes the grant for sending. From here on it counts as used up, unless
    /// it is [put back](Self::put_back): a request that is dropped may have
    /// reached the server.
    pub(super) fn spend(&mut self) -> Option<Grant> {
        self.gone = Gone::Interrupted;
        self.grant.take()
    }

    /// Returns a grant that the server certainly did not use up.
    pub(super) fn put_back(&mut self, grant: Grant) {
        self.grant = Some(grant);
    }

    /// Gives the grant up for this reason.
    pub(super) fn lose(&mut self, gone: Gone) {
        self.grant = None;
        self.gone = gone;
    }

    /// Records that the grant was exchanged for a token and this refresh token,
    /// which must be stored before the token is used.
    pub(super) fn renew(&mut self, secret: SecretString, access: IssuedToken, sent: Instant) {
        self.grant = Some(Grant::issued(secret, access, sent));
    }

    /// Returns the refresh token that must be stored first, if there is one.
    pub(super) fn unpersisted(&self) -> Option<&SecretString> {
        let refresh = self.refresh().filter(|refresh| !refresh.persisted)?;
        Some(&refresh.secret)
    }

    pub(super) fn persisted(&mut self) {
        if let Some(refresh) = self.refresh_mut() {
            refresh.persisted = true;
        }
    }

    /// Returns the refresh token that must be marked before it is sent, and the
    /// state of its mark.
    pub(super) fn to_be_marked(&self) -> Option<(SecretString, Marked)> {
        let refresh = self.refresh()?;
        let needed = matches!(refresh.marked, Marked::No | Marked::Unknown);
        needed.then(|| (refresh.secret.clone(), refresh.marked))
    }

    /// Returns the refresh token if this process has marked it. It is still
    /// here, so it is not in use.
    pub(super) fn to_be_unmarked(&self) -> Option<SecretString> {
        let refresh = self.refresh()?;
        (refresh.marked == Marked::Own).then(|| refresh.secret.clone())
    }

    pub(super) fn set_marked(&mut self, marked: Marked) {
        if let Some(refresh) = self.refresh_mut() {
            refresh.marked = marked;
        }
    }

    /// Drops the token of the last response, since the caller gets it now.
    pub(super) fn forget_access(&mut self) {
        if let Some(refresh) = self.refresh_mut() {
            refresh.access = None;
        }
    }

    /// Returns the token that waited until its refresh token was stored, if it
    /// is worth returning.
    pub(super) fn waiting_access(&mut self, reason: Reason) -> Option<IssuedToken> {
        let (token, sent) = self.refresh_mut()?.access.take()?;
        let remaining = token.remaining().saturating_sub(sent.elapsed());
        // A forced renewal asks for a token that is newer than the request for
        // it. In its second half, a token would soon be renewed anyway.
        let useful = remaining > token.lifetime() / 2 && reason != Reason::Forced;
        useful.then(|| token.with_remaining(remaining))
    }

    /// Reports whether the login is still the one that the grant was taken
    /// from.
    pub(super) fn is_current(&self) -> bool {
        self.slot.lock().epoch == self.epoch
    }

    fn refresh(&self) -> Option<&Refresh> {
        self.grant.as_ref()?.refresh()
    }

    fn refresh_mut(&mut self) -> Option<&mut Refresh> {
        self.grant.as_mut()?.refresh_mut()
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let held = match self.grant.take() {
            Some(grant) => Held::Here(grant),
            None => Held::Gone(self.gone),
        };
        let mut state = self.slot.lock();
        // After a replacement, the slot belongs to the new login.
        if state.epoch == self.epoch {
            state.held = held;
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = match &self.lock().held {
            Held::Here(Grant::Code(_)) => "code",
            Held::Here(Grant::RefreshToken(_)) => "refresh token",
            Held::Taken => "in use",
            Held::Gone(_) => "gone",
        };
        f.write_str(held)
    }
}
