use std::{future::poll_fn, pin::pin};

use bytes::{Buf, BufMut};
use http::Response;
use http_body::Body;

use super::{
    body,
    error::{ApiError, Condition},
    not_sent_again::NotSentAgain,
};
use crate::BoxError;

/// So many frames without data are borne with: a body of nothing else comes to an end too.
const MOST_EMPTY_FRAMES: usize = 1024;

impl ApiError {
    /// Reads at most `limit` bytes of a response's body, and parses them. What the layers have left
    /// in its extensions becomes part of the text.
    ///
    /// [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) is for whoever knows no better. The result is an
    /// error whatever the status is: look at that first.
    ///
    /// # Errors
    ///
    /// None. Of a body over the limit nothing is kept, and of one that breaks off the
    /// [`source`](std::error::Error::source); status and headers are there in any case.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the response. There is no time limit: put one around it if the
    /// HTTP client has none for bodies.
    pub async fn read<R>(response: Response<R>, limit: usize) -> Self
    where
        R: Body,
        R::Error: Into<BoxError>,
    {
        let (head, body) = response.into_parts();
        let without = |condition| body::without_body(head.status, &head.headers, condition);
        let mut inner = match collect(body, limit).await {
            Ok(Some(body)) => body::parse(head.status, &head.headers, &body),
            Ok(None) => without(Condition::TooLong),
            Err(error) => {
                let mut inner = without(Condition::BrokenOff);
                inner.source = Some(error.into());
                inner
            }
        };
        inner.not_sent_again = NotSentAgain::of(&head.extensions);
        Self::from_inner(inner)
    }
}

/// The data of a body, or `None` if it is over the limit.
pub(in crate::genesys) async fn collect<R>(
    body: R,
    limit: usize,
) -> Result<Option<Vec<u8>>, BoxError>
where
    R: Body,
    R::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Ok(None);
    }
    let mut body = pin!(body);
    let mut collected = Vec::new();
    let mut empty = 0;
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        match frame.map_err(Into::into)?.into_data() {
            Ok(data) if data.remaining() > limit - collected.len() => return Ok(None),
            Ok(data) if data.has_remaining() => collected.put(data),
            _ if empty >= MOST_EMPTY_FRAMES => return Ok(None),
            _ => empty += 1,
        }
    }
    Ok(Some(collected))
}
