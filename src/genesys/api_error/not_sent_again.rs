use http::Extensions;

use crate::{
    replay::Unreplayed,
    retry::{Outcome, Stop},
    token::Rejection,
};

/// Why the layers have returned a response instead of sending the request once
/// more: what the answer itself says is then not the whole cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSentAgain {
    Refused(Unreplayed),
    NotRenewed(Rejection),
    MayBeDone,
    BudgetSpent,
}

impl NotSentAgain {
    /// By the marks on a response.
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

    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Refused(Unreplayed::BodyGone) => {
                "; the token is renewed, but the body was not kept so that it could be sent once \
                 more: send the request again, and keep streams of that length \
                 (`ReplayLayer::with_known_cap`, or `with_unknown_cap` for one that does not say \
                 it) or make them anew (`Remake`)"
            }
            Self::Refused(Unreplayed::AlreadyReplayed) | Self::NotRenewed(Rejection::Damped) => {
                "; newer tokens were refused as well: they are of another region or organisation \
                 than this host, their client is disabled, or two processes revoke each other's"
            }
            Self::NotRenewed(Rejection::Cooldown) => {
                "; the token was refused, and renewing it has just failed: the cause is in the log, \
                 and in `last_error` of `TokenCache::status`"
            }
            Self::NotRenewed(Rejection::CannotRenew) => {
                "; the token was refused and cannot be renewed: it is a fixed one, its cache is \
                 closed, or there is no tokio runtime"
            }
            Self::NotRenewed(Rejection::NotTheToken) => {
                "; no newer token cures that: `WWW-Authenticate` of the answer names what is \
                 missing, such as a scope"
            }
            Self::NotRenewed(Rejection::Superseded | Rejection::Renewing) => {
                "; a newer token is there or on its way: send the request once more, as \
                 `RefreshLayer` around `BearerLayer` does"
            }
            Self::MayBeDone => {
                "; it may have been carried out all the same, so it was not sent again: look \
                 before you do, or mark it `CallOptions::with_repeatable` where twice is as good as once"
            }
            Self::BudgetSpent => {
                "; it was not resent, since the retry budget of this upstream is spent: many of its \
                 calls fail at once; try again later"
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
            (Rejection::Damped, "newer tokens were refused as well"),
            (Rejection::Cooldown, "renewing it has just failed"),
            (Rejection::CannotRenew, "its cache is closed"),
            (Rejection::NotTheToken, "`WWW-Authenticate`"),
            (Rejection::Superseded, "`RefreshLayer` around"),
            (Rejection::Renewing, "`RefreshLayer` around"),
        ] {
            let shown = shown(401, "bad.credentials", rejection).await;
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains("get a new one"), "{shown}");
        }
        for (unreplayed, expected) in [
            (Unreplayed::BodyGone, "`with_unknown_cap`"),
            (Unreplayed::AlreadyReplayed, "refused as well"),
        ] {
            let shown = shown(401, "bad.credentials", unreplayed).await;
            assert!(shown.contains(expected), "{shown}");
        }
        let shown = shown(401, "authentication.required", Rejection::Damped).await;
        assert!(shown.contains("no token arrived there"), "{shown}");
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
            written.contains("may have been carried out all the same"),
            "{written}"
        );
        let budget = shown(503, "x", stopped(Stop::BudgetSpent)).await;
        assert!(budget.contains("retry budget"), "{budget}");
        let read = shown(503, "x", stopped(Stop::SendsSpent)).await;
        assert!(read.contains("try again later"), "{read}");
    }
}
