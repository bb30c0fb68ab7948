use std::time::Duration;

use tokio::time::Instant;

use crate::token::{AccessToken, Fingerprint, Generation, Reason, TokenError};

/// The ordinal of a renewal, by which the result of one that was given up is recognised.
pub(in crate::token::cache) type RenewalId = u64;

/// A renewal that is to be started now.
#[derive(Clone, Debug)]
pub(in crate::token::cache) struct Start {
    pub(in crate::token::cache) id: RenewalId,
    pub(in crate::token::cache) reason: Reason,
    pub(in crate::token::cache) rejected: Option<Fingerprint>,
    /// Whether the last one has failed.
    pub(in crate::token::cache) follows_failure: bool,
}

/// What a caller wants who asks for a token.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::token::cache) struct Ask {
    /// The renewal for which it has waited so far.
    pub(in crate::token::cache) waited: Option<RenewalId>,
    /// The token that was held when it began to wait.
    pub(in crate::token::cache) since: Option<Generation>,
    /// For how long it will need the token.
    pub(in crate::token::cache) lasting: Duration,
}

/// What a caller gets who asks for a token.
#[derive(Debug)]
pub(in crate::token::cache) enum Answer {
    Serve(AccessToken),
    /// For the renewal of this id, and no longer than until `overdue_at`. `held` is the token of
    /// now, which does not do.
    Wait {
        id: RenewalId,
        overdue_at: Instant,
        held: Generation,
    },
    Fail(TokenError),
}
