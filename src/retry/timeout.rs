use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{self, Sleep};

use super::call::{Call, Pause};
use crate::replay::CloneBody;

pin_project! {
    /// The timer of one attempt, which is ready at most once.
    #[project = TimeoutProj]
    pub(super) enum Timeout {
        /// Not polled yet. The timer starts when an attempt is first pending,
        /// so that a response that is there at once costs none.
        Unarmed,
        Armed {
            #[pin]
            sleep: Sleep,
        },
        /// The attempt has no limit, or is over it and continues.
        Off,
    }
}

impl Timeout {
    /// Waits until the attempt has taken too long. Returns the pause before the
    /// attempt that replaces it; the next stage of the call then drops this
    /// one.
    ///
    /// If no retry can follow, the attempt continues without a limit.
    pub(super) fn poll<S: Clone, B: CloneBody, C>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        call: &mut Call<S, B, C>,
    ) -> Poll<Pause> {
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
                call.time_out().map_or(Poll::Pending, Poll::Ready)
            }
            // The call has polled the response before, so the response wakes
            // it.
            TimeoutProj::Unarmed | TimeoutProj::Off => Poll::Pending,
        }
    }
}
