//! The frames of a `ReplayBody`, their order, and which clone gets them.

use std::{
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use crate::script::{Script, Step, data, trailers};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, service_fn};
use tower_genesys::{
    BoxError, ReplayBody, ReplayLayer,
    replay::{CloneBody, ReplayBodyError, ReplayBodyErrorKind as Kind},
};

const FRAME: usize = 64 * 1024;

type Item = Option<Result<Frame<Bytes>, ReplayBodyError>>;

fn poll<B>(body: &mut ReplayBody<B>) -> Poll<Item>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(body).poll_frame(&mut cx)
}

/// The data up to the end, an error or a pause.
fn text<B>(body: &mut ReplayBody<B>) -> Result<String, Kind>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut text = String::new();
    while let Poll::Ready(Some(item)) = poll(body) {
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
fn a_stream_is_resent_from_the_beginning() {
    let mut older = ReplayBody::new(Script::of(&["ab", "cd", "e"]));
    let mut newer = older.try_clone().unwrap();
    assert_eq!(text(&mut older), Ok("abcde".into()));
    assert!(newer.is_replayable());
    assert_eq!(text(&mut newer), Ok("abcde".into()));
}

// linkerd's replay body repeats the first chunk in this case.
#[test]
fn a_retry_before_the_first_poll_sends_each_chunk_once() {
    let older = ReplayBody::new(Script::of(&["ab", "cd"]));
    let mut newer = older.try_clone().unwrap();
    drop(older);
    assert_eq!(text(&mut newer), Ok("abcd".into()));
}

// linkerd's replay body panics in this case.
#[test]
fn two_clones_polled_in_turn_do_not_panic_and_the_newer_one_takes_over() {
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
fn a_body_answered_before_it_was_sent_is_resent_whole() {
    let script = Script::of(&["ab"]).open();
    let remote = script.remote();
    let mut older = ReplayBody::new(script);
    let mut newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    assert!(!newer.is_sent());
    assert!(newer.revoke_others());
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
    let source = error.source().unwrap();
    assert!(source.downcast_ref::<io::Error>().is_some());

    assert!(!newer.is_replayable());
    assert!(newer.try_clone().is_none() && older.try_clone().is_none());
    assert_eq!(next(&mut newer), Some(Err(Kind::Gone)));
    assert_eq!(next(&mut older), Some(Err(Kind::Gone)));
}

/// A body that the layer has wrapped, because only the layer can set the caps.
fn capped<B>(body: B, layer: ReplayLayer) -> ReplayBody<B>
where
    B: Body + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let mut taken = None;
    let keep = service_fn(|request: http::Request<ReplayBody<B>>| {
        taken = Some(request.into_body());
        std::future::ready(Ok::<_, ()>(()))
    });
    drop(layer.layer(keep).call(http::Request::new(body)));
    taken.unwrap()
}

#[test]
fn a_stream_of_unknown_length_is_kept_up_to_exactly_the_cap() {
    for (last, replayable) in [("efg", true), ("efgh", true), ("efghi", false)] {
        let layer = ReplayLayer::new().with_unknown_cap(8).with_known_cap(0);
        let script = Script::of(&["abcd", last]);
        let mut older = capped(script, layer);
        let mut newer = older.try_clone().unwrap();
        let whole = format!("abcd{last}");
        assert_eq!(
            text(&mut older),
            Ok(whole.clone()),
            "this attempt is sent whole"
        );
        assert_eq!(newer.is_replayable(), replayable);
        assert_eq!(newer.try_clone().is_some(), replayable);
        let expected = if replayable {
            Ok(whole)
        } else {
            Err(Kind::Gone)
        };
        assert_eq!(text(&mut newer), expected);
    }
}

#[test]
fn a_stream_of_known_length_is_kept_up_to_exactly_the_cap() {
    for (length, replayable) in [(7, true), (8, true), (9, false)] {
        let layer = ReplayLayer::new().with_unknown_cap(0).with_known_cap(8);
        let script = Script::new([Step::Pending, data("abc")]).with_exact(length);
        let body = capped(script, layer);
        assert_eq!(body.try_clone().is_some(), replayable);
    }
}

#[test]
fn the_default_caps_are_64_kib_and_1_mib() {
    for (exact, cap) in [(false, 64 * 1024), (true, 1024 * 1024)] {
        for (length, replayable) in [(cap - 1, true), (cap, true), (cap + 1, false)] {
            let halves = [length / 2, length - length / 2];
            let steps = halves.map(|half| Step::Data(Bytes::from(vec![0; half])));
            let script = Script::new(steps);
            let mut older = ReplayBody::new(if exact {
                script.with_exact(length as u64)
            } else {
                script
            });
            let newer = older.try_clone();
            assert!(text(&mut older).is_ok());
            assert_eq!(newer.is_some_and(|newer| newer.is_replayable()), replayable);
        }
    }
}

#[test]
fn over_the_cap_a_poll_of_the_kept_clone_does_not_end_the_running_attempt() {
    let layer = ReplayLayer::new().with_unknown_cap(2);
    let mut older = capped(Script::of(&["ab", "cd", "ef"]), layer);
    let mut newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    assert_eq!(next(&mut older), chunk("cd"));
    assert_eq!(next(&mut newer), Some(Err(Kind::Gone)));
    assert_eq!(text(&mut older), Ok("ef".into()));
}

#[test]
fn nothing_is_kept_without_a_clone() {
    // A frame is unique only if no log refers to it.
    let whole = Bytes::from(b"0123456789".repeat(10));
    let (first, second) = (whole.slice(..50), whole.slice(50..));
    drop(whole);
    let mut body = ReplayBody::new(Script::new([Step::Data(first), Step::Data(second)]));
    let clone = body.try_clone().unwrap();
    let first = next(&mut body).unwrap().unwrap();
    drop(clone);
    let second = next(&mut body).unwrap().unwrap();
    assert!(body.try_clone().is_none() && !body.is_replayable());
    drop(second);
    assert!(first.is_unique(), "the log does not keep it");
}

#[test]
fn a_small_body_in_memory_is_shared_and_not_copied() {
    fn check<B>(body: B, at: *const u8)
    where
        B: Body + Unpin,
        B::Error: Into<BoxError>,
    {
        let mut older = ReplayBody::new(body);
        assert_eq!(
            format!("{older:?}"),
            "ReplayBody { form: \"small\", kept: false, .. }"
        );
        let mut newer = older.try_clone().unwrap();
        assert!(newer.is_sent() && newer.is_replayable());
        for body in [&mut older, &mut newer] {
            assert!(!body.is_end_stream());
            assert_eq!(body.size_hint().exact(), Some(200));
            assert_eq!(next(body).unwrap().unwrap().as_ptr(), at);
            assert!(body.is_end_stream());
            assert_eq!(body.size_hint().exact(), Some(0));
            assert_eq!(next(body), None);
            assert!(!body.is_replayable() && body.try_clone().is_none());
        }
    }
    let whole = Bytes::from(vec![7; 200]);
    let at = whole.as_ptr();
    check(Full::new(whole.clone()), at);
    check(UnsyncBoxBody::new(Full::new(whole.clone())), at);
    check(Script::new([Step::Data(whole)]).with_exact(200), at);
}

#[test]
fn a_body_in_memory_is_cut_into_frames_of_64_kib_above_that_length() {
    for (length, form) in [(FRAME, "small"), (FRAME + 1, "in memory")] {
        let body = ReplayBody::new(Full::<Bytes>::from(vec![0; length]));
        assert!(format!("{body:?}").contains(form));
    }
    let whole = Bytes::from((0..=255).cycle().take(3 * FRAME - 1).collect::<Vec<u8>>());
    let mut older = ReplayBody::new(Full::new(whole.clone()));
    let mut newer = older.try_clone().unwrap();
    assert_eq!(newer.size_hint().exact(), Some(whole.len() as u64));
    assert_eq!(next(&mut older), Some(Ok(whole.slice(..FRAME))));
    assert!(!newer.is_sent() && newer.is_replayable() && !older.is_replayable());
    assert_eq!(older.size_hint().exact(), Some(2 * FRAME as u64 - 1));

    assert!(newer.revoke_others());
    assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));
    assert!(!older.is_end_stream());
    for range in [0..FRAME, FRAME..2 * FRAME, 2 * FRAME..whole.len()] {
        assert!(!newer.is_sent() && !newer.is_end_stream());
        assert_eq!(next(&mut newer), Some(Ok(whole.slice(range))));
    }
    assert!(newer.is_sent() && newer.is_end_stream());
    assert_eq!(next(&mut newer), None);
}

#[test]
fn a_newer_clone_of_a_long_body_in_memory_revokes_the_older_when_polled() {
    let mut older = ReplayBody::new(Full::<Bytes>::from(vec![0; 2 * FRAME]));
    let mut newer = older.try_clone().unwrap();
    assert!(matches!(next(&mut older), Some(Ok(_))));
    assert!(matches!(next(&mut newer), Some(Ok(_))));
    assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));
    assert!(!older.is_replayable());
    assert!(matches!(next(&mut newer), Some(Ok(_))));
}

#[test]
fn an_empty_body_is_at_its_end_at_once_for_every_clone() {
    let mut body = ReplayBody::new(Empty::<Bytes>::new());
    for body in [
        &mut body,
        &mut ReplayBody::default(),
        &mut Bytes::new().into(),
    ] {
        assert!(body.is_end_stream() && body.is_replayable() && body.is_sent());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(next(body), None);
        assert!(body.try_clone().unwrap().is_end_stream());
    }
}

#[test]
fn a_body_can_be_made_from_full_for_a_client_with_any_body_type() {
    let mut body = ReplayBody::<Script>::from(Full::new(Bytes::from_static(b"grant")));
    assert_eq!(body.size_hint().exact(), Some(5));
    assert_eq!(text(&mut body), Ok("grant".into()));
}

fn frames<B>(body: &mut ReplayBody<B>) -> Vec<String>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    let mut seen = Vec::new();
    loop {
        let hint = (body.size_hint().lower(), body.size_hint().upper());
        let before = format!("{hint:?} end={}", body.is_end_stream());
        match poll(body) {
            Poll::Pending => {}
            Poll::Ready(Some(frame)) => seen.push(format!("{before} {:?}", frame.unwrap())),
            Poll::Ready(None) => {
                seen.push(before);
                return seen;
            }
        }
    }
}

#[test]
fn trailers_hints_and_end_are_the_same_on_each_attempt() {
    let with = || Script::new([data("ab"), data("c"), trailers("x")]);
    let whole = || Script::new([data("abc"), trailers("x")]).with_exact(3);
    let only = || Script::new([trailers("x")]);
    let scripts = [
        (3, with()),
        (3, with().with_exact(3)),
        (3, with().telling_end()),
        (3, with().with_exact(3).telling_end()),
        (1, only()),
        (1, only().with_exact(0).telling_end()),
        (0, Script::of(&[])),
        (1, Script::of(&["abc"]).telling_end()),
        (2, whole()),
        (2, whole().telling_end()),
        (
            2,
            Script::new([data("abc"), Step::Pending, trailers("x")]).with_exact(3),
        ),
    ];
    for (count, script) in scripts {
        let exact = script.size_hint().exact();
        let mut first = ReplayBody::new(script);
        let mut second = first.try_clone().unwrap();
        let mut third = second.try_clone().unwrap();
        assert_eq!(first.size_hint().exact(), exact);
        let attempt = frames(&mut first);
        assert_eq!(attempt.len(), count + 1);
        assert_eq!(frames(&mut second), attempt);
        assert_eq!(frames(&mut third), attempt);
        assert!(third.is_sent());
    }
}

#[test]
fn a_clone_announces_the_rest_of_the_announced_length() {
    let script = || Script::of(&["ab", "c"]).with_exact(3).telling_end();
    let remade = ReplayBody::from_fn(move || Script::of(&["ab", "c"]).with_exact(3).telling_end());
    for mut body in [ReplayBody::new(script()), remade] {
        let newer = body.try_clone().unwrap();
        for (left, sent) in [(3, false), (1, false), (0, true)] {
            assert_eq!(body.size_hint().exact(), Some(left));
            assert_eq!(body.is_end_stream(), sent);
            assert_eq!(newer.is_sent(), sent);
            assert_eq!(next(&mut body).is_some(), !sent);
        }
        assert_eq!(newer.size_hint().exact(), Some(3));
    }
}

#[test]
fn a_stream_counts_as_sent_with_its_last_announced_byte() {
    // HTTP/1 does not poll again after the announced length.
    let remade = ReplayBody::from_fn(|| Script::of(&["ab"]).with_exact(2));
    for mut body in [
        ReplayBody::new(Script::of(&["a", "b"]).with_exact(2)),
        remade,
    ] {
        let newer = body.try_clone().unwrap();
        assert!(!newer.is_sent());
        while !newer.is_sent() {
            assert!(matches!(next(&mut body), Some(Ok(_))));
        }
        assert!(!body.is_end_stream());
    }
}

#[test]
fn an_unannounced_end_is_not_reported_before_it_is_seen() {
    // Otherwise hyper would send the second attempt without a body, as
    // `content-length: 0`.
    let mut older = ReplayBody::new(Script::of(&[]));
    let newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), None);
    assert!(older.is_end_stream() && !newer.is_end_stream());
}

#[test]
fn a_waiting_clone_is_woken_by_the_callers_body() {
    let script = Script::of(&[]).open();
    let remote = script.remote();
    let mut body = task::spawn(ReplayBody::new(script));
    assert_pending!(poll_task(&mut body));
    assert!(!body.is_woken());
    remote.push(data("ab"));
    assert!(body.is_woken());
    assert!(poll_task(&mut body).is_ready());
}

fn poll_task(body: &mut task::Spawn<ReplayBody<Script>>) -> Poll<Option<Result<(), Kind>>> {
    let item = body.enter(|cx, body| body.poll_frame(cx));
    item.map(|item| item.map(|item| item.map(drop).map_err(|error| error.kind())))
}

#[test]
fn a_waiting_clone_is_woken_when_it_is_revoked() {
    for by_hand in [true, false] {
        let script = Script::of(&["ab"]).open();
        let remote = script.remote();
        let mut older = task::spawn(ReplayBody::new(script));
        let mut newer = task::spawn(older.try_clone().unwrap());
        assert!(poll_task(&mut older).is_ready());
        assert_pending!(poll_task(&mut older));
        assert!(!older.revoke_others(), "it has begun");
        assert!(!older.is_woken(), "it does not revoke itself");

        if by_hand {
            assert!(newer.revoke_others());
        } else {
            assert!(poll_task(&mut newer).is_ready());
        }
        assert!(older.is_woken());
        assert_eq!(poll_task(&mut older), Poll::Ready(Some(Err(Kind::Revoked))));

        while poll_task(&mut newer).is_ready() {}
        assert!(!newer.is_woken());
        remote.push(data("cd"));
        assert!(newer.is_woken() && !older.is_woken());
    }
}

#[test]
fn a_dropped_clone_releases_its_waker() {
    struct Count;
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {}
    }
    let count = Arc::new(Count);
    let script = Script::of(&[]).open();
    let remote = script.remote();
    let mut body = ReplayBody::new(script);
    let newer = body.try_clone().unwrap();
    let waker = Waker::from(Arc::clone(&count));
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
    drop(waker);
    remote.wake();
    assert_eq!(Arc::strong_count(&count), 2);
    drop(body);
    assert_eq!(Arc::strong_count(&count), 1);
    drop(newer);
}

/// A body that acts on a newer clone during its own poll, as another thread
/// could.
struct Meddler {
    meddle: Box<dyn FnMut() + Send>,
    steps: Vec<Polled>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, io::Error>>>;
type Slot = Arc<Mutex<Option<task::Spawn<ReplayBody<Meddler>>>>>;

impl Body for Meddler {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Polled {
        (self.meddle)();
        self.steps.pop().expect("a step")
    }
}

/// A body, and a newer clone that begins to wait during the poll of the body.
fn meddled(steps: Vec<Polled>) -> (ReplayBody<Meddler>, Slot) {
    let slot = Slot::default();
    let newer = Arc::clone(&slot);
    let older = ReplayBody::new(Meddler {
        meddle: Box::new(move || {
            if let Some(newer) = &mut *newer.lock().unwrap() {
                assert!(newer.enter(|cx, body| body.poll_frame(cx)).is_pending());
            }
        }),
        steps,
    });
    *slot.lock().unwrap() = Some(task::spawn(older.try_clone().unwrap()));
    (older, slot)
}

#[test]
fn a_body_that_is_revoked_during_its_poll_is_dropped_after_it() {
    let (slot, held) = (Slot::default(), Arc::new(()));
    let (newer, hold) = (Arc::clone(&slot), Arc::clone(&held));
    let mut older = ReplayBody::new(Meddler {
        meddle: Box::new(move || {
            let _hold = &hold;
            let newer = newer.lock().unwrap().take().unwrap();
            assert!(newer.revoke_others());
        }),
        steps: vec![Poll::Pending],
    });
    *slot.lock().unwrap() = Some(task::spawn(older.try_clone().unwrap()));
    assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_newer_clone_waits_while_the_older_one_polls_and_gets_the_result() {
    let frame = || Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"ab")))));
    let broken = || Poll::Ready(Some(Err(io::Error::other("broken"))));
    let mut ways = [
        (Poll::Pending, "Pending"),
        (frame(), "ab"),
        (broken(), "Body"),
        (Poll::Ready(None), "Ready(None)"),
    ];
    for (step, expected) in &mut ways {
        let step = std::mem::replace(step, Poll::Pending);
        let (mut older, slot) = meddled(vec![Poll::Pending, step]);
        assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));

        let mut newer = slot.lock().unwrap().take().unwrap();
        assert!(newer.is_woken(), "the older poll has ended");
        let item = newer.enter(|cx, body| body.poll_frame(cx));
        assert!(format!("{item:?}").contains(*expected), "{item:?}");
    }
}

#[test]
fn a_panic_of_the_callers_body_is_an_error_for_every_clone() {
    let mut older = ReplayBody::new(Script::new([data("ab"), Step::Panic]));
    let mut newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    catch_unwind(AssertUnwindSafe(|| next(&mut older))).unwrap_err();
    assert!(!newer.is_replayable() && newer.try_clone().is_none());
    assert_eq!(text(&mut newer), Err(Kind::Body));
    assert_eq!(text(&mut newer), Err(Kind::Gone));
}

#[test]
fn over_the_cap_the_rest_is_passed_on_and_its_end_is_noticed() {
    for tells_end in [true, false] {
        let mut script = Script::new([data("abcd"), Step::Pending, data("ef"), data("gh")]);
        if tells_end {
            script = script.telling_end();
        }
        let mut older = capped(script, ReplayLayer::new().with_unknown_cap(2));
        let mut newer = older.try_clone().unwrap();
        assert_eq!(next(&mut older), chunk("abcd"));
        assert!(poll(&mut older).is_pending() && !newer.is_sent());
        assert_eq!(next(&mut older), chunk("ef"));
        assert!(!newer.revoke_others() && !newer.is_sent());
        assert_eq!(next(&mut older), chunk("gh"));
        assert_eq!(older.is_end_stream(), tells_end);
        assert_eq!(next(&mut older), None);
        assert!(newer.is_sent() && older.is_end_stream());
        assert_eq!(next(&mut newer), Some(Err(Kind::Gone)));
    }
}

#[test]
fn a_stream_announced_as_too_long_is_replayable_until_its_first_frame() {
    let steps = [Step::Pending, Step::Pending, data("abcd"), data("ef")];
    let script = Script::new(steps).with_exact(6);
    let mut body = capped(script, ReplayLayer::new().with_known_cap(2));
    assert!(poll(&mut body).is_pending());
    assert!(body.is_replayable() && body.revoke_others());
    assert!(body.try_clone().is_none());
    assert_eq!(next(&mut body), chunk("abcd"));
    assert!(!body.is_replayable() && !body.is_sent());
    assert_eq!(next(&mut body), chunk("ef"));
    assert!(body.is_sent());
}

#[test]
fn over_the_cap_an_error_or_a_panic_of_the_callers_body_is_final() {
    let layer = ReplayLayer::new().with_unknown_cap(2);
    let mut body = capped(Script::new([data("abcd"), data("ef"), Step::Fail]), layer);
    assert_eq!(next(&mut body), chunk("abcd"));
    assert_eq!(next(&mut body), chunk("ef"));
    assert_eq!(next(&mut body), Some(Err(Kind::Body)));
    assert_eq!(next(&mut body), Some(Err(Kind::Gone)));

    let mut body = capped(Script::new([data("abcd"), data("ef"), Step::Panic]), layer);
    assert_eq!(next(&mut body), chunk("abcd"));
    assert_eq!(next(&mut body), chunk("ef"));
    catch_unwind(AssertUnwindSafe(|| next(&mut body))).unwrap_err();
    assert_eq!(next(&mut body), Some(Err(Kind::Gone)));
}

#[test]
fn a_waiting_clone_is_woken_when_the_callers_body_panics() {
    let (mut older, slot) = meddled(vec![]);
    catch_unwind(AssertUnwindSafe(|| next(&mut older))).unwrap_err();
    let mut newer = slot.lock().unwrap().take().unwrap();
    assert!(newer.is_woken());
    assert_eq!(text(&mut newer), Err(Kind::Body));
}

#[test]
fn the_callers_body_is_dropped_at_its_end_or_when_no_clone_can_send_it() {
    let script = Script::of(&["ab"]);
    let remote = script.remote();
    let mut older = ReplayBody::new(script);
    let newer = older.try_clone().unwrap();
    assert!(text(&mut older).is_ok());
    assert_eq!(remote.drops(), 1, "a file is not kept open for a replay");
    assert!(newer.is_replayable());

    let script = Script::of(&["ab"]).open();
    let remote = script.remote();
    let mut older = ReplayBody::new(script);
    let newer = older.try_clone().unwrap();
    assert_eq!(next(&mut older), chunk("ab"));
    assert!(newer.revoke_others());
    drop(newer);
    assert_eq!(
        remote.drops(),
        1,
        "the older clone is revoked and does not keep it"
    );
    assert_eq!(next(&mut older), Some(Err(Kind::Revoked)));
    assert!(older.try_clone().is_none());
}

#[test]
fn a_body_that_cannot_start_does_not_take_over() {
    // Over the cap of 64 KiB.
    let script = || Script::new(vec![Step::Data(Bytes::from(vec![7; 50_000])); 3]);
    let again = || made(&Arc::default(), vec![script(), script()]);
    let whole = || Full::new(Bytes::from(vec![7; 3 * FRAME]));
    let (mut older, mut file, mut memory) =
        (ReplayBody::new(script()), again(), ReplayBody::new(whole()));
    let (gone, file_, mut memory_) = (
        older.try_clone().unwrap(),
        file.try_clone().unwrap(),
        memory.try_clone().unwrap(),
    );
    for _ in 0..2 {
        assert!(next(&mut older).unwrap().is_ok());
    }
    assert!(!gone.revoke_others());
    assert!(
        next(&mut older).unwrap().is_ok(),
        "the older clone continues"
    );
    assert_eq!(next(&mut older), None);

    let mut begun = file_;
    assert!(next(&mut begun).unwrap().is_ok());
    assert!(!begun.revoke_others() && !file.revoke_others());
    assert_eq!(next(&mut file), Some(Err(Kind::Revoked)));
    assert!(next(&mut memory_).unwrap().is_ok());
    assert!(!memory_.revoke_others() && !memory.revoke_others());
    assert_eq!(next(&mut memory), Some(Err(Kind::Revoked)));
    assert!(ReplayBody::<Script>::empty().revoke_others());
}

#[test]
fn tiny_frames_exceed_the_cap_by_their_number() {
    for (exact, most) in [(false, 512 + 16), (true, 8192 + 16)] {
        for (frames, kept) in [(most, true), (most + 1, false)] {
            let script = Script::new(vec![data("x"); frames]);
            let script = match exact {
                true => script.with_exact(frames as u64),
                false => script,
            };
            let mut older = ReplayBody::new(script);
            let mut newer = older.try_clone().unwrap();
            assert_eq!(text(&mut older).map(|sent| sent.len()), Ok(frames));
            assert_eq!(newer.is_replayable(), kept, "{frames} frames");
            let again = text(&mut newer).map(|sent| sent.len());
            assert_eq!(again, if kept { Ok(frames) } else { Err(Kind::Gone) });
        }
    }
}

#[test]
fn a_hold_marks_one_clone_only() {
    let mut older = ReplayBody::new(Script::of(&["ab"]));
    assert!(!older.is_kept());
    older.mark_kept();
    assert!(older.is_kept() && !older.try_clone().unwrap().is_kept());
}

fn made(counter: &Arc<AtomicUsize>, scripts: Vec<Script>) -> ReplayBody<Script> {
    let scripts = Mutex::new(scripts);
    let counter = Arc::clone(counter);
    ReplayBody::from_fn(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        scripts.lock().unwrap().remove(0)
    })
}

#[test]
fn a_remade_body_is_made_at_its_first_poll_and_not_kept() {
    let made_so_far = Arc::default();
    let script = || Script::of(&["ab", "cd"]).with_exact(4).telling_end();
    let mut first = made(&made_so_far, vec![script(), script()]);
    let mut second = first.try_clone().unwrap();
    let third = second.try_clone().unwrap();
    assert_eq!(made_so_far.load(Ordering::SeqCst), 1);
    let attempt = frames(&mut first);
    assert!(third.is_sent() && third.is_replayable() && !first.is_replayable());
    assert_eq!(frames(&mut second), attempt);
    assert_eq!(made_so_far.load(Ordering::SeqCst), 2);
}

#[test]
fn a_remade_body_is_revoked_like_any_other() {
    let script = Script::of(&["ab"]).open();
    let remote = script.remote();
    let again = Script::of(&["ab", "cd"]);
    let mut older = task::spawn(made(&Arc::default(), vec![script, again]));
    let mut newer = older.try_clone().unwrap();
    assert!(poll_task(&mut older).is_ready());
    assert_pending!(poll_task(&mut older));
    assert!(!newer.is_sent());
    assert!(newer.revoke_others());
    assert!(older.is_woken());
    assert_eq!(poll_task(&mut older), Poll::Ready(Some(Err(Kind::Revoked))));
    assert_eq!(remote.drops(), 1, "a revoked file is closed");
    assert_eq!(text(&mut newer), Ok("abcd".into()));
    assert!(newer.is_sent());
}

#[test]
fn a_remade_body_with_another_length_is_not_sent() {
    let made_so_far = Arc::default();
    let scripts = [3, 4].map(|length| Script::of(&["abc"]).with_exact(length));
    let mut older = made(&made_so_far, scripts.into());
    let mut newer = older.try_clone().unwrap();
    assert_eq!(text(&mut older), Ok("abc".into()));
    assert_eq!(next(&mut newer), Some(Err(Kind::Changed)));
    assert!(newer.try_clone().is_none() && !newer.is_replayable());
}

#[test]
fn an_error_of_a_remade_body_is_final() {
    let script = Script::new([data("ab"), Step::Fail]);
    let mut older = made(&Arc::default(), vec![script]);
    let mut newer = older.try_clone().unwrap();
    assert_eq!(text(&mut older), Err(Kind::Body));
    assert!(!newer.is_replayable() && newer.try_clone().is_none());
    assert_eq!(next(&mut newer), Some(Err(Kind::Gone)));
    assert_eq!(next(&mut older), Some(Err(Kind::Gone)));
}

#[test]
fn an_error_is_found_inside_the_errors_of_clients() {
    let mut body = ReplayBody::new(Script::new([Step::Fail]));
    let error = body.frame().now_or_never().unwrap().unwrap().unwrap_err();
    let wrapped: BoxError = Box::new(io::Error::other(io::Error::other(error)));
    let found = ReplayBodyError::find(&*wrapped).unwrap();
    assert_eq!(found.kind(), Kind::Body);
    assert_eq!(found.source().unwrap().to_string(), "script");
    assert!(ReplayBodyError::find(&io::Error::other("something else")).is_none());
}

#[test]
fn it_can_be_moved_and_shared_even_if_the_callers_body_cannot_be_shared() {
    fn assert_all<T: Send + Sync + Unpin>() {}
    assert_all::<ReplayBody<Script>>();
    assert_all::<ReplayBody<UnsyncBoxBody<Bytes, io::Error>>>();
    assert_all::<ReplayBodyError>();
}
