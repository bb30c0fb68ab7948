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
    /// The future of [`Retry`](super::Retry).
    ///
    /// # Cancellation
    ///
    /// It may be dropped at any time. The attempt under way, a place in the
    /// queue of the throttle, and the copy of the request go with it.
    ///
    /// There is an example in the [module docs](super).
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
        // A layer outside sends again.
        Passing {
            #[pin]
            future: F,
        },
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
        // The first send, or the next one, waits for the throttle.
        Queued {
            #[pin]
            admission: Admission,
        },
        Sent {
            #[pin]
            future: F,
            #[pin]
            timeout: Timeout,
        },
        Draining {
            #[pin]
            drain: Drain<R>,
            pause: Pause,
        },
        // The old response is out of the way, and the pause begins.
        Pausing {
            pause: Pause,
        },
        Sleeping {
            #[pin]
            sleep: Sleep,
        },
        Readying,
        Done,
    }
}

impl<S, B, R, C> ResponseFuture<S, B, R, C>
where
    S: Service<Request<B>>,
{
    pub(super) fn passing(future: S::Future) -> Self {
        Self {
            state: State::Passing { future },
        }
    }

    #[inline]
    pub(super) fn called(call: Call<S, B, C>, future: S::Future) -> Self {
        let stage = Stage::sent(future);
        Self {
            state: State::Deciding { call, stage },
        }
    }

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
                        // The response goes out as it came in: to pass it on by
                        // value through every step would copy it each time.
                        let is_sent = call.is_sent();
                        let Some(pause) = call.after(&mut result) else {
                            stage.set(Stage::Done);
                            return Poll::Ready(result);
                        };
                        match result {
                            Ok(old) => Stage::draining(old, is_sent, call.is_to_read(), pause),
                            Err(_) => Stage::Pausing { pause },
                        }
                    }
                    Poll::Pending => {
                        ready!(timeout.poll(cx, call));
                        // If no retry could follow, the attempt continues.
                        // Otherwise the next stage drops it.
                        let Some(pause) = call.time_out() else {
                            return Poll::Pending;
                        };
                        Stage::Pausing { pause }
                    }
                },
                StageProj::Draining { drain, pause } => {
                    let body = ready!(drain.poll(cx));
                    call.read(&body.unwrap_or_default());
                    let pause = mem::replace(pause, Pause::None);
                    Stage::Pausing { pause }
                }
                StageProj::Pausing { pause } => {
                    let pause = mem::replace(pause, Pause::None);
                    Stage::after(pause, call)
                }
                StageProj::Sleeping { sleep } => {
                    ready!(sleep.poll(cx));
                    Stage::queued(call.queue_again())
                }
                StageProj::Queued { admission } => {
                    call.released(ready!(admission.poll(cx)));
                    Stage::Readying
                }
                StageProj::Readying => match ready!(call.service().poll_ready(cx)) {
                    Ok(()) => {
                        let (request, mut service) = call.next();
                        Stage::sent(service.call(request))
                    }
                    Err(error) => {
                        stage.set(Stage::Done);
                        return Poll::Ready(Err(error));
                    }
                },
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

    fn draining(old: Response<R>, is_sent: bool, is_to_read: bool, pause: Pause) -> Self
    where
        R: Body,
    {
        let drain = match is_to_read {
            true => Drain::keeping(old, is_sent),
            false => Drain::new(old, is_sent),
        };
        Self::Draining { drain, pause }
    }

    /// What begins when the old response is out of the way.
    ///
    /// Every send takes a slot of a shared limit, and each that has waited
    /// looks at the gates once more. A resend with a newer token waits at no
    /// gate: the server has not said "later" to it.
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

    fn queued(ticket: Option<Box<Ticket>>) -> Self {
        ticket.map_or(Self::Readying, |ticket| Self::Queued {
            admission: ticket.admission(),
        })
    }

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
