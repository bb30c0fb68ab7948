//! What a `ReplayBody` gives, in which order, and to whom.

mod script;

use std::{io, pin::Pin};

use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use script::{Script, Step, data, trailers};
use tokio_test::{assert_pending, assert_ready, task};
use tower_genesys::{
    BoxError, CloneBody, ReplayBody,
    replay::{ReplayBodyError, ReplayBodyErrorKind as Kind},
};

type Item = Option<Result<Frame<Bytes>, ReplayBodyError>>;

fn poll<B>(body: &mut ReplayBody<B>) -> std::task::Poll<Item>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    Pin::new(body).poll_frame(&mut cx)
}

/// All data until the end, an error or a pause.
fn text<B>(body: &mut ReplayBody<B>) -> Result<String, Kind>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut text = String::new();
    while let std::task::Poll::Ready(Some(item)) = poll(body) {
        let frame = item.map_err(|error| error.kind())?;
        if let Ok(chunk) = frame.into_data() {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
    Ok(text)
}

fn next<B>(body: &mut ReplayBody<B>) -> Option<Result<Bytes, Kind>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let item = body.frame().now_or_never().expect("a frame is there");
    item.map(|item| match item {
        Ok(frame) => Ok(frame.into_data().unwrap()),
        Err(error) => Err(error.kind()),
    })
}

fn chunk(text: &'static str) -> Option<Result<Bytes, Kind>> {
    Some(Ok(Bytes::from_static(text.as_bytes())))
}

#[test]
fn a_stream_is_sent_again_from_the_beginning() {
    let mut older = ReplayBody::new(Script::of(&["ab", "cd", "e"]));
    let mut newer = older.try_clone().unwrap();
    assert_eq!(text(&mut older), Ok("abcde".into()));
    assert!(newer.is_replayable());
    assert_eq!(text(&mut newer), Ok("abcde".into()));
}

// linkerd's replay body repeats the first chunk in this case.
#[test]
fn retried_before_the_first_poll_sends_each_chunk_once() {
    let older = ReplayBody::new(Script::of(&["ab", "cd"]));
    let mut newer = older.try_clone().unwrap();
    drop(older);
    assert_eq!(text(&mut newer), Ok("abcd".into()));
}

// linkerd's replay body panics in this case.
#[test]
fn two_clones_polled_in_turn_do_not_panic_and_the_newer_wins() {
    let mut older = ReplayBody::new(Script::of(&["ab", "cd", "ef"]));
    let mut newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    assert_eq!(next(&mut newer), chunk("ab"));
    assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));
    assert_eq!(next(&mut newer), chunk("cd"));
    assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));
    assert_eq!(text(&mut newer), Ok("ef".into()));
}

// linkerd's replay body gives up in this case.
#[test]
fn answered_before_the_body_was_sent_still_sends_all_of_it_again() {
    let script = Script::of(&["ab"]).open();
    let remote = script.remote();
    let mut older = ReplayBody::new(script);
    let mut newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    assert!(!newer.is_sent());
    newer.revoke_others();
    drop(older);
    remote.push(data("cd"));
    remote.close();
    assert_eq!(text(&mut newer), Ok("abcd".into()));
    assert!(newer.is_sent());
}

#[test]
fn an_error_of_the_callers_body_is_passed_on_and_final() {
    let mut older = ReplayBody::new(Script::new([data("ab"), Step::Fail]));
    let mut newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    let error = older.frame().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<io::Error>().is_some());

    assert!(!newer.is_replayable());
    assert!(newer.try_clone().is_none() && older.try_clone().is_none());
    assert_eq!(next(&mut newer), Some(Err(Kind::Gone)));
    assert_eq!(next(&mut older), Some(Err(Kind::Gone)));
}
