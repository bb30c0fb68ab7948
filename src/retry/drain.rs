use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;

/// Gets the old response out of the way.
pub(super) struct Drain<R>(PhantomData<fn() -> R>);

impl<R> Drain<R> {
    pub(super) fn new(_response: Response<R>, _sent: bool) -> Self {
        Self(PhantomData)
    }
}

impl<R> Future for Drain<R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
