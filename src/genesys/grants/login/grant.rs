//! What a login sends to the token endpoint: a code or a refresh token. Each
//! can be used once, so a login also knows why it has none.

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::{
    genesys::grants::{authorize::LoginCode, dialect::Form},
    token::IssuedToken,
};

/// A grant that is used up by being sent.
pub(in crate::genesys::grants) enum Grant {
    /// The code of a redirect, before its exchange.
    Code(LoginCode),
    /// A refresh token: one from an earlier login, or from the last response.
    RefreshToken(Refresh),
}

/// A refresh token, and what is still to be done with it.
pub(in crate::genesys::grants) struct Refresh {
    pub(super) secret: SecretString,
    /// Whether the store has it. Without a store, this becomes true without a
    /// write.
    pub(super) persisted: bool,
    pub(super) marked: Marked,
    /// The token from the same response, until a caller has it, and when the
    /// request for it was sent.
    pub(super) access: Option<(IssuedToken, Instant)>,
}

/// Whether the stored refresh token is marked as in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marked {
    No,
    /// This process began to write the mark, and does not know the outcome.
    Unknown,
    /// This process has marked it.
    Own,
    /// Another process has marked it, and may have sent it. That mark stays
    /// until the next refresh token replaces this one.
    Foreign,
}

/// Why a fetch cannot have the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Another fetch has it.
    InUse,
    Gone(Gone),
}

/// Why no fetch sends the grant any more. Only a new login ends this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// The token endpoint refused it.
    Refused,
    /// It was sent, and the fetch was dropped before the answer arrived.
    Interrupted,
    /// It was sent, and no answer arrived in time.
    CutOff,
    /// It was sent, and no answer or one without a token arrived.
    Unanswered,
    /// Another process has marked it as in use, and may have sent it.
    Marked,
    /// Another process has renewed the login: the store holds another refresh
    /// token.
    Replaced,
    /// It was used, and the answer held no refresh token.
    NoRefreshToken,
}

impl Grant {
    /// Returns a refresh token that the store already has.
    pub(in crate::genesys::grants) fn stored(secret: SecretString) -> Self {
        Self::refresh_token(secret, true, None)
    }

    /// Returns a refresh token of a new login, which must be stored first.
    pub(super) fn unstored(secret: SecretString) -> Self {
        Self::refresh_token(secret, false, None)
    }

    /// Returns the refresh token of a response, which must be stored before its
    /// access token is returned.
    pub(super) fn issued(secret: SecretString, access: IssuedToken, sent: Instant) -> Self {
        Self::refresh_token(secret, false, Some((access, sent)))
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

    /// Returns the form parameters of the request. The first one is the
    /// `grant_type`.
    pub(super) fn form(&self) -> Form<'_> {
        match self {
            Self::Code(code) => code.form(),
            Self::RefreshToken(refresh) => vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh.secret.expose_secret()),
            ],
        }
    }

    pub(super) fn refresh(&self) -> Option<&Refresh> {
        match self {
            Self::Code(_) => None,
            Self::RefreshToken(refresh) => Some(refresh),
        }
    }

    pub(super) fn refresh_mut(&mut self) -> Option<&mut Refresh> {
        match self {
            Self::Code(_) => None,
            Self::RefreshToken(refresh) => Some(refresh),
        }
    }
}
