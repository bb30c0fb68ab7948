//! The place of a login's grant, and the handle that replaces the grant. One
//! request at a time has the grant, and one that is dropped leaves a state that
//! is safe to continue from.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use secrecy::SecretString;
use tokio::time::Instant;

use super::grant::{Absent, Gone, Grant, Marked, Refresh};
use crate::{
    genesys::grants::authorize::LoginCode,
    lock::lock,
    token::{IssuedToken, Reason},
};

/// A handle that gives a source a new login, after the person has logged in
/// again.
///
/// [`RefreshToken::handle`](crate::genesys::grants::RefreshToken::handle) and
/// [`AuthorizationCode::handle`](crate::genesys::grants::AuthorizationCode::handle)
/// return it. Call them before you move the source into a cache. A clone refers
/// to the same source.
///
/// After a [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired), a
/// cache pauses before it asks its source again: 5 seconds at first, and up to
/// 5 minutes. [`TokenCache::invalidate`](crate::TokenCache::invalidate) ends
/// the pause.
///
/// A request in flight when you give the source a new login belongs to the old
/// one. Its result is discarded, and its caller gets a
/// [`Busy`](crate::token::TokenErrorKind::Busy).
///
/// An example is at
/// [`AuthorizationCode`](crate::genesys::grants::AuthorizationCode).
#[derive(Clone)]
pub struct LoginHandle {
    slot: Arc<Slot>,
}

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

impl LoginHandle {
    pub(super) fn new(slot: &Arc<Slot>) -> Self {
        let slot = Arc::clone(slot);
        Self { slot }
    }

    /// Continues with this refresh token. If the source has a store, the next
    /// fetch stores it first.
    pub fn replace(&self, refresh_token: impl Into<SecretString>) {
        self.slot.replace(Grant::unstored(refresh_token.into()));
    }

    /// Continues with this code, which the next fetch exchanges.
    pub fn replace_code(&self, code: LoginCode) {
        self.slot.replace(Grant::Code(code));
    }

    /// Reports whether every fetch fails with
    /// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired) until the
    /// source gets a new login. The token that was fetched last may still be
    /// valid.
    pub fn is_login_required(&self) -> bool {
        self.slot.is_gone()
    }
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

impl fmt::Debug for LoginHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginHandle")
            .field("grant", &self.slot)
            .finish_non_exhaustive()
    }
}
