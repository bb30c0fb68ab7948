//! One look at a body before it is sent: whether it is all in memory.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};

type Polled<B> = Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>;

/// Polls without anybody to wake: whoever polls next puts a waker in place of this one.
pub(super) fn peek<B: Body + Unpin>(body: &mut B) -> Poll<Polled<B>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

pub(super) fn is_data_of<D: Buf, E>(polled: &Option<Result<Frame<D>, E>>, length: u64) -> bool {
    let frame = polled.as_ref().and_then(|polled| polled.as_ref().ok());
    let data = frame.and_then(Frame::data_ref);
    data.is_some_and(|data| data.remaining() as u64 == length)
}

pub(super) fn into_bytes<D: Buf, E>(polled: Option<Result<Frame<D>, E>>) -> Bytes {
    let frame = polled.and_then(Result::ok);
    let data = frame.and_then(|frame| frame.into_data().ok());
    data.map(|mut data| data.copy_to_bytes(data.remaining()))
        .unwrap_or_default()
}
