use std::{
    fmt,
    future::Future,
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
    throttle::{Hold, Ticket},
};

pin_project! {
    /// The future of [`Retry`](super::Retry).
    ///
    /// # Cancellation
    ///
    /// It may be dropped at any time. The attempt under way, a place in the queue of the
    /// throttle, and the copy of the request go with it.
    ///
    /// There is an example in the [module docs](super).
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<S, B, R, C>
    where
        S: Service<Request<B>>,
    {
        call: Option<Sending<S, B, C>>,
        #[pin]
        state: State<S::Future, R>,
    }
}

/// A call that may send again.
struct Sending<S, B, C> {
    call: Call<S, B, C>,
    pause: Pause,
}

pin_project! {
    #[project = StateProj]
    enum State<F, R> {
        // The first send, or the next one, waits for the throttle.
        Gate {
            #[pin]
            hold: Hold,
        },
        Called {
            #[pin]
            future: F,
            #[pin]
            timeout: Timeout,
        },
        Draining {
            #[pin]
            drain: Drain<R>,
        },
        // The old answer is out of the way, and the pause begins.
        Pausing,
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
        let timeout = Timeout::Off;
        Self {
            call: None,
            state: State::Called { future, timeout },
        }
    }

    #[inline]
    pub(super) fn called(call: Call<S, B, C>, future: S::Future) -> Self {
        let timeout = Timeout::Unarmed;
        Self {
            call: Some(Sending::new(call)),
            state: State::Called { future, timeout },
        }
    }

    pub(super) fn held(call: Call<S, B, C>, ticket: Box<Ticket>) -> Self {
        let hold = ticket.hold();
        Self {
            call: Some(Sending::new(call)),
            state: State::Gate { hold },
        }
    }
}

impl<S, B, C> Sending<S, B, C> {
    #[inline]
    const fn new(call: Call<S, B, C>) -> Self {
        let pause = Pause::None;
        Self { call, pause }
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
        let mut this = self.project();
        loop {
            let next = match (this.state.as_mut().project(), this.call.as_mut()) {
                (StateProj::Called { future, timeout }, sending) => match future.poll(cx) {
                    Poll::Ready(mut result) => {
                        let again = sending.and_then(|sending| sending.again(&mut result));
                        // The answer goes out as it came in: to pass it on by value through every
                        // step would copy it each time.
                        let Some(sent) = again else {
                            this.state.set(State::Done);
                            return Poll::Ready(result);
                        };
                        let (drained, is_to_read) = sent;
                        result.map_or(State::Pausing, |old| State::Draining {
                            drain: match is_to_read {
                                true => Drain::keeping(old, drained),
                                false => Drain::new(old, drained),
                            },
                        })
                    }
                    Poll::Pending => {
                        let Some(sending) = sending else {
                            return Poll::Pending;
                        };
                        ready!(sending.poll_timeout(cx, timeout));
                        // The attempt is dropped with its state.
                        State::Pausing
                    }
                },
                (StateProj::Draining { drain }, Some(sending)) => {
                    let body = ready!(drain.poll(cx));
                    sending.call.read(&body.unwrap_or_default());
                    State::Pausing
                }
                (StateProj::Pausing, Some(sending)) => sending.pause(),
                (StateProj::Sleeping { sleep }, Some(sending)) => {
                    ready!(sleep.poll(cx));
                    sending.slept()
                }
                (StateProj::Gate { hold }, Some(sending)) => {
                    let slots = ready!(hold.poll(cx));
                    sending.call.released(slots);
                    State::Readying
                }
                (StateProj::Readying, Some(sending)) => {
                    let ready = match sending.call.service() {
                        Some(service) => ready!(service.poll_ready(cx)),
                        None => Ok(()),
                    };
                    match ready {
                        Ok(()) => sending.resend(),
                        Err(error) => {
                            this.state.set(State::Done);
                            return Poll::Ready(Err(error));
                        }
                    }
                }
                (StateProj::Done, _) | (_, None) => return Poll::Pending,
            };
            this.state.set(next);
        }
    }
}

impl<S: Clone, B: CloneBody, C> Sending<S, B, C> {
    /// Whether the request is sent again after this answer, and if so, whether it was wholly sent,
    /// and whether the answer's body is to be read.
    fn again<R, E>(&mut self, result: &mut Result<Response<R>, E>) -> Option<(bool, bool)>
    where
        C: Classify<E>,
        E: 'static,
    {
        let sent = self.call.is_sent();
        self.pause = self.call.after(result)?;
        Some((sent, self.call.is_to_read()))
    }

    /// Ready when the attempt is to be given up for another one.
    fn poll_timeout(&mut self, cx: &mut Context<'_>, timeout: Pin<&mut Timeout>) -> Poll<()> {
        ready!(timeout.poll(cx, &mut self.call));
        match self.call.time_out() {
            Some(pause) => {
                self.pause = pause;
                Poll::Ready(())
            }
            None => Poll::Pending,
        }
    }

    fn pause<F, R>(&mut self) -> State<F, R> {
        match std::mem::replace(&mut self.pause, Pause::None) {
            Pause::None => held(self.call.hold_for_slot()),
            Pause::Until(until) if until <= Instant::now() => self.slept(),
            // There were timers when the pause was decided on. Whoever polls this without them
            // now does not wait.
            _ if !self.call.has_timers() => State::Readying,
            Pause::Until(until) => State::Sleeping {
                sleep: time::sleep_until(until),
            },
            Pause::Held(ticket) => held(Some(ticket)),
        }
    }

    fn slept<F, R>(&mut self) -> State<F, R> {
        held(self.call.hold_again())
    }

    fn resend<R>(&mut self) -> State<S::Future, R>
    where
        S: Service<Request<B>>,
    {
        match self.call.next() {
            Some((request, mut service)) => State::Called {
                future: service.call(request),
                timeout: Timeout::Unarmed,
            },
            // A resend is only decided on while the request is at hand.
            None => State::Done,
        }
    }
}

fn held<F, R>(ticket: Option<Box<Ticket>>) -> State<F, R> {
    ticket.map_or(State::Readying, |ticket| State::Gate {
        hold: ticket.hold(),
    })
}

impl<S, B, R, C> fmt::Debug for ResponseFuture<S, B, R, C>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Gate { .. } => "Gate",
            State::Called { .. } => "Called",
            State::Draining { .. } => "Draining",
            State::Pausing => "Pausing",
            State::Sleeping { .. } => "Sleeping",
            State::Readying => "Readying",
            State::Done => "Done",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
