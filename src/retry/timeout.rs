use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tokio::time::{self, Instant, Sleep};

use super::call::Call;
use crate::{replay::CloneBody, runtime::unless_without_timers};

pin_project! {
    /// The timer of one attempt, which is ready once at most.
    #[project = TimeoutProj]
    pub(super) enum Timeout {
        // Most attempts are answered before a timer is needed: it is made when one was not.
        Unarmed,
        Armed {
            #[pin]
            sleep: Sleep,
        },
        Off,
    }
}

impl Timeout {
    /// Ready when the time of the attempt is over, if it has a limit.
    pub(super) fn poll<S: Clone, B: CloneBody, C>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        call: &mut Call<S, B, C>,
    ) -> Poll<()> {
        let polled = match &*self {
            Self::Unarmed => match call.attempt_deadline() {
                Some(end) => {
                    let armed = unless_without_timers(|| self.as_mut().arm(end, cx));
                    call.found_timers(armed.is_some());
                    armed
                }
                None => None,
            },
            Self::Armed { .. } => Some(self.as_mut().poll_armed(cx)),
            Self::Off => None,
        };
        if polled != Some(Poll::Pending) {
            self.set(Self::Off);
        }
        polled.unwrap_or(Poll::Pending)
    }

    /// Its first poll is what registers it, and what shows whether the runtime has timers.
    fn arm(mut self: Pin<&mut Self>, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.set(Self::Armed {
            sleep: time::sleep_until(end),
        });
        self.poll_armed(cx)
    }

    fn poll_armed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            TimeoutProj::Armed { sleep } => sleep.poll(cx),
            TimeoutProj::Unarmed | TimeoutProj::Off => Poll::Pending,
        }
    }
}
