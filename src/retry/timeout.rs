use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{self, Sleep};

use super::call::Call;
use crate::replay::CloneBody;

pin_project! {
    /// The timer of one attempt, which is ready once at most.
    #[project = TimeoutProj]
    pub(super) enum Timeout {
        // Most attempts are answered before a timer is needed: it is made when
        // one was not.
        Unarmed,
        Armed {
            #[pin]
            sleep: Sleep,
        },
        Off,
    }
}

impl Timeout {
    /// Ready once, when the time of the attempt is over, if it has a limit.
    pub(super) fn poll<S: Clone, B: CloneBody, C>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        call: &mut Call<S, B, C>,
    ) -> Poll<()> {
        if let Self::Unarmed = &*self {
            let armed = call.attempt_deadline().map(|end| Self::Armed {
                sleep: time::sleep_until(end),
            });
            self.set(armed.unwrap_or(Self::Off));
        }
        match self.as_mut().project() {
            TimeoutProj::Armed { sleep } => {
                ready!(sleep.poll(cx));
                self.set(Self::Off);
                Poll::Ready(())
            }
            // Without a limit the response alone wakes the call, which has
            // asked for it before.
            TimeoutProj::Unarmed | TimeoutProj::Off => Poll::Pending,
        }
    }
}
