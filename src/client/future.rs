use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Response, uri::Authority};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use pin_project_lite::pin_project;

use super::ClientError;

pin_project! {
    /// The response future of a [`Client`](super::Client).
    ///
    /// An example: [`client`](crate::client).
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        Sent { #[pin] response: legacy::ResponseFuture, authority: Option<Authority> },
        Failed { error: Option<ClientError> },
    }
}

impl ResponseFuture {
    pub(super) fn sent(response: legacy::ResponseFuture, authority: Option<Authority>) -> Self {
        Self {
            state: State::Sent {
                response,
                authority,
            },
        }
    }

    pub(super) fn failed(error: ClientError) -> Self {
        let error = Some(error);
        Self {
            state: State::Failed { error },
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Incoming>, ClientError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Sent {
                response,
                authority,
            } => {
                let result = ready!(response.poll(cx));
                Poll::Ready(result.map_err(|error| ClientError::new(authority.as_ref(), error)))
            }
            StateProj::Failed { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
