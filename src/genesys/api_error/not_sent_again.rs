//! Reads the marks that the layers left on a response, and words the next step
//! for them.

use http::Extensions;

use crate::{
    replay::Unreplayed,
    retry::{Outcome, Stop},
    token::Rejection,
};

/// Why the layers returned a response instead of resending the request. Then
/// the answer itself does not tell the whole cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSentAgain {
    /// After a 401: the layer with the copy of the request could not resend it.
    Refused(Unreplayed),
    /// After a 401: the result of reporting its token.
    NotRenewed(Rejection),
    /// The request is not repeatable, and the server may have carried it out.
    MayBeDone,
    /// The retry budget is used up.
    BudgetSpent,
}

impl NotSentAgain {
    /// Returns the reason that the layers left in a response's extensions.
    ///
    /// A failed replay explains more than the rejection that led to it, which
    /// is on the same response. Other reasons to stop, such as used-up sends,
    /// add nothing to the answer.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        let rejection = || extensions.get().copied().map(Self::NotRenewed);
        let outcome = Outcome::of(extensions);
        match (extensions.get(), outcome.map(|outcome| outcome.stop)) {
            (Some(unreplayed), _) => Some(Self::Refused(*unreplayed)),
            (None, Some(Stop::NotRepeatable)) => Some(Self::MayBeDone),
            (None, Some(Stop::BudgetSpent)) => Some(Self::BudgetSpent),
            (None, _) => rejection(),
        }
    }

    /// Returns the cause and the next step, to be appended to a message.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Refused(Unreplayed::BodyGone) => {
                "; the token is renewed, but the body was not kept, so the request could not be resent: \
                 make it again, and raise the cap for its body (`ReplayLayer::with_known_cap`, or \
                 `with_unknown_cap` for a stream that does not state its length), or recreate the body \
                 for each send (`Remake`)"
            }
            Self::Refused(Unreplayed::AlreadyReplayed) | Self::NotRenewed(Rejection::Damped) => {
                "; newer tokens were refused, too: check whether they belong to another region or \
                 organisation than this host, whether their client is disabled, and whether two \
                 processes revoke each other's tokens"
            }
            Self::NotRenewed(Rejection::Cooldown) => {
                "; the token was refused, and renewing it has just failed: find the cause in the log, or \
                 in `last_error` of `TokenCache::status`"
            }
            Self::NotRenewed(Rejection::CannotRenew) => {
                "; the token was refused and cannot be renewed: it is a fixed one, its cache is \
                 closed, or there is no tokio runtime"
            }
            Self::NotRenewed(Rejection::NotTheToken) => {
                "; a newer token cannot help: `WWW-Authenticate` of the answer names what is missing, \
                 such as a scope"
            }
            Self::NotRenewed(Rejection::Superseded | Rejection::Renewing) => {
                "; a newer token is there or on its way: resend the request, as `RefreshLayer` around \
                 `BearerLayer` does"
            }
            Self::MayBeDone => {
                "; it may have been carried out, so it was not resent: check that before you resend it, \
                 or set `CallOptions::with_repeatable` if a second send does no harm"
            }
            Self::BudgetSpent => {
                "; it was not resent, since the retry budget of this upstream is spent: many of its \
                 calls are failing; try again later"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::Response;
    use http_body_util::Full;

    use super::*;
    use crate::genesys::ApiError;

    async fn shown<T: Clone + Send + Sync + 'static>(status: u16, code: &str, mark: T) -> String {
        let body = format!(r#"{{"code":"{code}"}}"#);
        let response = Response::builder().status(status).extension(mark);
        let response = response.body(Full::<Bytes>::from(body)).unwrap();
        let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
        error.to_string()
    }

    #[tokio::test]
    async fn a_401_says_why_no_newer_token_has_helped() {
        for (rejection, expected) in [
            (Rejection::Damped, "newer tokens were refused, too"),
            (Rejection::Cooldown, "renewing it has just failed"),
            (Rejection::CannotRenew, "its cache is closed"),
            (Rejection::NotTheToken, "`WWW-Authenticate`"),
            (Rejection::Superseded, "`RefreshLayer` around"),
            (Rejection::Renewing, "`RefreshLayer` around"),
        ] {
            let shown = shown(401, "bad.credentials", rejection).await;
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains("fetch"), "{shown}");
        }
        for (unreplayed, expected) in [
            (Unreplayed::BodyGone, "`with_unknown_cap`"),
            (Unreplayed::AlreadyReplayed, "refused, too"),
        ] {
            let shown = shown(401, "bad.credentials", unreplayed).await;
            assert!(shown.contains(expected), "{shown}");
        }
        let shown = shown(401, "authentication.required", Rejection::Damped).await;
        assert!(shown.contains("arrived without a token"), "{shown}");
    }

    #[tokio::test]
    async fn only_a_write_that_may_be_done_is_said_to_be_one() {
        let stopped = |stop| Outcome {
            stop,
            sends: 1,
            elapsed: Duration::ZERO,
            waited: Duration::ZERO,
            waited_for_slots: Duration::ZERO,
        };
        let written = shown(503, "x", stopped(Stop::NotRepeatable)).await;
        assert!(
            written.contains("may have been carried out, so it was not resent"),
            "{written}"
        );
        let budget = shown(503, "x", stopped(Stop::BudgetSpent)).await;
        assert!(budget.contains("retry budget"), "{budget}");
        let read = shown(503, "x", stopped(Stop::SendsSpent)).await;
        assert!(read.contains("try again later"), "{read}");
    }
}
