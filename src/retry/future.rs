use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{self, Instant, Sleep};
use tower_service::Service;

use super::{
    Classify,
    call::{Call, Pause},
    timeout::Timeout,
};
use crate::{
    replay::{CloneBody, Drain},
    throttle::{Admission, Ticket},
};

pin_project! {
    /// The response future of [`Retry`](super::Retry).
    ///
    /// The [module docs](super) have an example.
    ///
    /// # Cancellation
    ///
    /// You may drop it at any time. That drops the attempt in flight, the place
    /// in a queue of the throttle, and the copy of the request.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, R, C>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S::Future, R, Call<S, B, C>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, R, C> {
        /// A layer outside resends, so this one keeps no copy.
        Passing {
            #[pin]
            future: F,
        },
        /// This layer decides after each send whether to resend.
        Deciding {
            call: C,
            #[pin]
            stage: Stage<F, R>,
        },
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<F, R> {
        /// Before any send: waits at a gate, or for a slot of a limit.
        Queued {
            #[pin]
            admission: Admission,
        },
        /// Waits for the response, until the attempt times out.
        Sent {
            #[pin]
            future: F,
            #[pin]
            timeout: Timeout,
        },
        /// Reads the old response to its end, so that its connection is free.
        Draining {
            #[pin]
            drain: Drain<R>,
            pause: Pause,
        },
        /// The old response or attempt is dropped, and the pause begins.
        Pausing {
            pause: Pause,
        },
        /// Waits for the backoff or the server's `Retry-After`.
        Sleeping {
            #[pin]
            sleep: Sleep,
        },
        /// Waits for the service, as the last wait before a send: a ready
        /// service may reserve a permit.
        Readying,
        /// The result was returned.
        Done,
    }
}

impl<S, B, R, C> ResponseFuture<S, B, R, C>
where
    S: Service<Request<B>>,
{
    /// Passes a request through that a layer outside resends.
    pub(super) fn passing(future: S::Future) -> Self {
        Self {
            state: State::Passing { future },
        }
    }

    /// Follows a first send.
    #[inline]
    pub(super) fn called(call: Call<S, B, C>, future: S::Future) -> Self {
        let stage = Stage::sent(future);
        Self {
            state: State::Deciding { call, stage },
        }
    }

    /// Makes a first send wait for its turn in the throttle.
    pub(super) fn queued(call: Call<S, B, C>, ticket: Box<Ticket>) -> Self {
        let stage = Stage::queued(Some(ticket));
        Self {
            state: State::Deciding { call, stage },
        }
    }
}

impl<S, B, R, C> Future for ResponseFuture<S, B, R, C>
where
    S: Service<Request<B>, Response = Response<R>, Error: 'static> + Clone,
    C: Classify<S::Error>,
    B: CloneBody,
    R: Body,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (call, mut stage) = match self.project().state.project() {
            StateProj::Passing { future } => return future.poll(cx),
            StateProj::Deciding { call, stage } => (call, stage),
        };
        loop {
            let next = match stage.as_mut().project() {
                StageProj::Sent { future, timeout } => match future.poll(cx) {
                    Poll::Ready(mut result) => {
                        // A response that is returned is not moved on the way:
                        // each move would copy it.
                        let is_sent = call.is_sent();
                        let Some(pause) = call.after(&mut result) else {
                            stage.set(Stage::Done);
                            return Poll::Ready(result);
                        };
                        Stage::discarding(result, is_sent, call.is_to_read(), pause)
                    }
                    Poll::Pending => Stage::pausing(ready!(timeout.poll(cx, call))),
                },
                StageProj::Draining { drain, pause } => {
                    let body = ready!(drain.poll(cx));
                    call.read(&body.unwrap_or_default());
                    Stage::pausing(mem::take(pause))
                }
                StageProj::Pausing { pause } => Stage::after(mem::take(pause), call),
                StageProj::Sleeping { sleep } => {
                    ready!(sleep.poll(cx));
                    Stage::queued(call.queue_again())
                }
                StageProj::Queued { admission } => {
                    call.released(ready!(admission.poll(cx)));
                    Stage::Readying
                }
                StageProj::Readying => {
                    if let Err(error) = ready!(call.service().poll_ready(cx)) {
                        stage.set(Stage::Done);
                        return Poll::Ready(Err(error));
                    }
                    let (request, mut service) = call.next();
                    Stage::sent(service.call(request))
                }
                StageProj::Done => panic!("a response future was polled after it had completed"),
            };
            stage.set(next);
        }
    }
}

impl<F, R> Stage<F, R> {
    #[inline]
    const fn sent(future: F) -> Self {
        let timeout = Timeout::Unarmed;
        Self::Sent { future, timeout }
    }

    const fn pausing(pause: Pause) -> Self {
        Self::Pausing { pause }
    }

    /// Discards a result that leads to another send. `is_to_read` states that
    /// it is a 429 whose body may name its limit.
    fn discarding<E>(
        old: Result<Response<R>, E>,
        is_sent: bool,
        is_to_read: bool,
        pause: Pause,
    ) -> Self
    where
        R: Body,
    {
        let drain = match old {
            Ok(old) if is_to_read => Drain::keeping(old, is_sent),
            Ok(old) => Drain::new(old, is_sent),
            // An error has no body that would keep a connection.
            Err(_) => return Self::pausing(pause),
        };
        Self::Draining { drain, pause }
    }

    /// Starts the pause, when the old response is discarded.
    ///
    /// Every send takes a slot of a shared limit. A send that has waited for
    /// its backoff checks the gates again, because they may have closed
    /// meanwhile. A resend with a newer token waits at no gate: the server did
    /// not ask it to wait.
    fn after<S: Clone, B: CloneBody, C>(pause: Pause, call: &mut Call<S, B, C>) -> Self {
        match pause {
            Pause::None => Self::queued(call.queue_for_slot()),
            Pause::Until(until) if until <= Instant::now() => Self::queued(call.queue_again()),
            Pause::Until(until) => Self::Sleeping {
                sleep: time::sleep_until(until),
            },
            Pause::Queued(ticket) => Self::queued(Some(ticket)),
        }
    }

    /// Waits for this place in a queue of the throttle, if there is one.
    fn queued(ticket: Option<Box<Ticket>>) -> Self {
        ticket.map_or(Self::Readying, |ticket| Self::Queued {
            admission: ticket.admission(),
        })
    }

    /// The name for `Debug`.
    const fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "Queued",
            Self::Sent { .. } => "Sent",
            Self::Draining { .. } => "Draining",
            Self::Pausing { .. } => "Pausing",
            Self::Sleeping { .. } => "Sleeping",
            Self::Readying => "Readying",
            Self::Done => "Done",
        }
    }
}

impl<S, B, R, C> fmt::Debug for ResponseFuture<S, B, R, C>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Passing { .. } => "Passing",
            State::Deciding { stage, .. } => stage.name(),
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
