use std::time::Duration;

use http::Response;
use http_body::Body;

use super::{
    body,
    error::{ApiError, Condition},
    not_sent_again::NotSentAgain,
};
use crate::{
    BoxError,
    genesys::answer::{self, Bounds, Unread},
    retry::Outcome,
};

/// An error of the API is below 4 KiB, and comes with its head. A body that takes longer is not
/// worth waiting for: the status is known.
const LONGEST_READ: Duration = Duration::from_secs(10);

impl ApiError {
    /// Reads at most `limit` bytes of a response's body, and parses them. What the layers have left
    /// in its extensions becomes part of the text.
    ///
    /// [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) is for whoever knows no better. The result is an
    /// error whatever the status is: look at that first.
    ///
    /// # Errors
    ///
    /// None. A body over the limit, one that takes longer than 10 seconds, and one that is still
    /// compressed (`content-encoding`) are not kept; one that breaks off leaves the
    /// [`source`](std::error::Error::source). Status and headers are there in any case.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the response. The time limit needs a tokio runtime; elsewhere there
    /// is none.
    pub async fn read<R>(response: Response<R>, limit: usize) -> Self
    where
        R: Body,
        R::Error: Into<BoxError>,
    {
        let (head, body) = response.into_parts();
        let without = |condition| body::without_body(head.status, &head.headers, condition);
        let bounds = Bounds {
            bytes: limit,
            time: LONGEST_READ,
        };
        let mut inner = match answer::read(&head.headers, body, bounds).await {
            Ok(body) => body::parse(head.status, &head.headers, &body),
            Err(Unread::TooLong) => without(Condition::TooLong),
            Err(Unread::Late) => without(Condition::Late),
            Err(Unread::Encoded(coding)) => without(Condition::Encoded(coding)),
            Err(Unread::BrokenOff(error)) => {
                let mut inner = without(Condition::BrokenOff);
                inner.source = Some(error.into());
                inner
            }
        };
        inner.not_sent_again = NotSentAgain::of(&head.extensions);
        let outcome = Outcome::of(&head.extensions);
        inner.repeated = outcome.is_some_and(|outcome| outcome.sends > 1);
        Self::from_inner(inner)
    }
}
