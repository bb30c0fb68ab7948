//! Grants that can be used once, and the request that holds each.

use std::{
    fmt,
    sync::{Mutex, MutexGuard},
};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::{
    genesys::grants::{authorize::LoginCode, dialect::Form},
    lock::lock,
    token::{IssuedToken, Reason},
};

/// Something that is spent by being sent.
pub(in crate::genesys::grants) enum Grant {
    Code(LoginCode),
    RefreshToken(Refresh),
}

pub(in crate::genesys::grants) struct Refresh {
    secret: SecretString,
    persisted: bool,
    marked: Marked,
    /// The token that it came with, as long as that could not be handed out,
    /// and when it was asked for.
    access: Option<(IssuedToken, Instant)>,
}

/// Whether the stored refresh token is marked as in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marked {
    No,
    /// A write of the mark was begun, and its outcome is unknown.
    Unknown,
    Own,
    /// By another process. It may be spent, and its mark stays until it is
    /// replaced.
    Foreign,
}

/// Holds a grant, gives it to one request at a time, and remembers why it is
/// gone.
///
/// The lock is held for a moment only, never across an await: a request takes
/// the grant out, and [`Taken`] says what to put in its place, whichever way
/// the request ends.
pub(super) struct Slot {
    state: Mutex<State>,
}

struct State {
    held: Held,
    /// Counts replacements, so that a request that was under way does not undo
    /// one.
    epoch: u64,
}

enum Held {
    Here(Grant),
    Taken,
    Gone(Gone),
}

/// Why a grant is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    InUse,
    Gone(Gone),
}

/// Why a grant will not be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// The token endpoint does not take it.
    Refused,
    /// It was sent, and the request was dropped before its answer came.
    Interrupted,
    /// It was sent, and no answer came in time.
    CutOff,
    /// It was sent, and no answer, or one without a token, arrived.
    Unanswered,
    /// Another process has marked it as in use, and may have sent it.
    Marked,
    /// Another process has renewed the login: the stored refresh token is
    /// another one.
    Replaced,
    /// It was used, and the answer held no refresh token.
    NoRefreshToken,
}

/// A grant in use. Dropping it settles what the slot holds from then on.
pub(super) struct Taken<'a> {
    slot: &'a Slot,
    epoch: u64,
    /// Goes back into the slot, unless it was sent.
    grant: Option<Grant>,
    gone: Gone,
}

impl Grant {
    /// One that is stored already, or need not be.
    pub(in crate::genesys::grants) fn stored(refresh_token: SecretString) -> Self {
        Self::refresh_token(refresh_token, true, None)
    }

    /// A refresh token that must be stored first.
    pub(super) fn unstored(refresh_token: SecretString) -> Self {
        Self::refresh_token(refresh_token, false, None)
    }

    fn refresh_token(
        secret: SecretString,
        persisted: bool,
        access: Option<(IssuedToken, Instant)>,
    ) -> Self {
        Self::RefreshToken(Refresh {
            secret,
            persisted,
            marked: Marked::No,
            access,
        })
    }

    pub(super) fn form(&self) -> Form<'_> {
        match self {
            Self::Code(code) => code.form(),
            Self::RefreshToken(refresh) => vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh.secret.expose_secret()),
            ],
        }
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

    pub(super) fn replace(&self, grant: Grant) {
        let mut state = self.lock();
        state.epoch = state.epoch.wrapping_add(1);
        state.held = Held::Here(grant);
    }

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
            Held::Gone(gone) => {
                state.held = Held::Gone(gone);
                Err(Absent::Gone(gone))
            }
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.lock().held, Held::Gone(_))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Taken<'_> {
    /// Takes the grant for sending. From here on it counts as spent, unless it
    /// is [put back](Self::put_back).
    pub(super) fn spend(&mut self) -> Option<Grant> {
        self.gone = Gone::Interrupted;
        self.grant.take()
    }

    /// The grant was not spent after all.
    pub(super) fn put_back(&mut self, grant: Grant) {
        self.grant = Some(grant);
    }

    /// The grant is gone for this reason.
    pub(super) fn lose(&mut self, gone: Gone) {
        self.grant = None;
        self.gone = gone;
    }

    /// Records that the grant was exchanged for a token and this refresh token,
    /// which must be stored before the token is used.
    pub(super) fn renew(&mut self, secret: SecretString, access: IssuedToken, sent: Instant) {
        self.grant = Some(Grant::refresh_token(secret, false, Some((access, sent))));
    }

    /// Returns the refresh token that must be stored first, if there is one.
    pub(super) fn unpersisted(&self) -> Option<&SecretString> {
        let refresh = self.refresh().filter(|refresh| !refresh.persisted)?;
        Some(&refresh.secret)
    }

    pub(super) fn persisted(&mut self) {
        if let Some(Grant::RefreshToken(refresh)) = &mut self.grant {
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

    /// Returns the refresh token in the slot, which is not in use, if this
    /// process has marked it.
    pub(super) fn to_be_unmarked(&self) -> Option<SecretString> {
        let refresh = self.refresh()?;
        (refresh.marked == Marked::Own).then(|| refresh.secret.clone())
    }

    pub(super) fn set_marked(&mut self, marked: Marked) {
        if let Some(Grant::RefreshToken(refresh)) = &mut self.grant {
            refresh.marked = marked;
        }
    }

    fn refresh(&self) -> Option<&Refresh> {
        match &self.grant {
            Some(Grant::RefreshToken(refresh)) => Some(refresh),
            _ => None,
        }
    }

    /// The token was handed out.
    pub(super) fn forget_access(&mut self) {
        if let Some(Grant::RefreshToken(refresh)) = &mut self.grant {
            refresh.access = None;
        }
    }

    /// The token that waited until its refresh token was stored, if it is still
    /// of use.
    pub(super) fn waiting_access(&mut self, reason: Reason) -> Option<IssuedToken> {
        let Some(Grant::RefreshToken(refresh)) = &mut self.grant else {
            return None;
        };
        let (token, sent) = refresh.access.take()?;
        let remaining = token.remaining().saturating_sub(sent.elapsed());
        // Whoever forces a renewal wants what is newer than the wish.
        let useful = remaining > token.lifetime() / 2 && reason != Reason::Forced;
        useful.then(|| token.with_remaining(remaining))
    }

    /// Reports whether the grant is still the one that was taken.
    pub(super) fn is_current(&self) -> bool {
        self.slot.lock().epoch == self.epoch
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let held = match self.grant.take() {
            Some(grant) => Held::Here(grant),
            None => Held::Gone(self.gone),
        };
        let mut state = self.slot.lock();
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
