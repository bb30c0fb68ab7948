use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{self, Sleep};

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
    /// Ready when the time is over that `after` gave at the first poll, if it gave one.
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        after: impl FnOnce() -> Option<Duration>,
    ) -> Poll<()> {
        if matches!(*self, Self::Unarmed) {
            self.set(match after() {
                Some(after) => Self::Armed {
                    sleep: time::sleep(after),
                },
                None => Self::Off,
            });
        }
        match self.as_mut().project() {
            TimeoutProj::Armed { sleep } => ready!(sleep.poll(cx)),
            TimeoutProj::Unarmed | TimeoutProj::Off => return Poll::Pending,
        }
        self.set(Self::Off);
        Poll::Ready(())
    }
}
