//! A refresh token that is in use is marked in the store, so that the next
//! process does not send it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use http::HeaderMap;
use tokio::{
    task::yield_now,
    time::{Instant, advance, sleep},
};
use tower::Service;
use tower_genesys::{
    BoxError,
    genesys::grants::{IssuedRefreshToken, RefreshTokenMark, RefreshTokenStore},
    testing::{MockGenesys, TOKEN},
    token::{TokenErrorKind as Kind, TokenSource},
};

use crate::setup::{
    Body, Client, Refreshing, Way, assert_none_twice, credentials, cx, failure, fetch, sent,
};

/// The row of one login in a database, and its scripted failures.
#[derive(Clone, Default)]
struct Row(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    token: String,
    in_use: bool,
    /// Operations, in their order.
    log: Vec<&'static str>,
    /// How many marks are set although the operation fails.
    lost_answers: usize,
    failing_marks: usize,
    failing_unmarks: usize,
    hanging_marks: usize,
    /// How many marks block the thread for a minute.
    late_marks: usize,
}

impl Row {
    fn of(mock: &MockGenesys) -> Self {
        let row = Self::default();
        row.with(|content| content.token = mock.issue_refresh_token());
        row
    }

    fn with<T>(&self, look: impl FnOnce(&mut Content) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn in_use(&self) -> bool {
        self.with(|content| content.in_use)
    }

    fn log(&self) -> Vec<&'static str> {
        self.with(|content| std::mem::take(&mut content.log))
    }

    /// A process that starts with the stored refresh token.
    fn process<C>(&self, mock: &MockGenesys, client: C) -> Refreshing<C> {
        let token = self.with(|content| content.token.clone());
        Refreshing::new(mock.region(), credentials(mock), token, client).with_store(self.clone())
    }
}

/// Uses up one of these failures, if any is left.
fn take(failures: &mut usize) -> bool {
    let some = *failures > 0;
    *failures -= usize::from(some);
    some
}

impl RefreshTokenStore for Row {
    async fn persist(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
        yield_now().await;
        self.with(|content| {
            content.log.push("persist");
            (content.token, content.in_use) = (token.expose().to_owned(), false);
        });
        Ok(())
    }

    async fn mark(&self, token: IssuedRefreshToken) -> Result<RefreshTokenMark, BoxError> {
        yield_now().await;
        if self.with(|content| take(&mut content.hanging_marks)) {
            sleep(Duration::from_secs(60)).await;
        }
        if self.with(|content| take(&mut content.late_marks)) {
            // Its first poll moves the clock.
            let _ = advance(Duration::from_secs(60)).now_or_never();
        }
        self.with(|content| {
            content.log.push("mark");
            if take(&mut content.failing_marks) {
                return Err("the database is down".into());
            }
            if content.token != token.expose() {
                return Ok(RefreshTokenMark::Replaced);
            }
            if content.in_use {
                return Ok(RefreshTokenMark::Found);
            }
            content.in_use = true;
            match take(&mut content.lost_answers) {
                true => Err("the answer was lost".into()),
                false => Ok(RefreshTokenMark::Set),
            }
        })
    }

    async fn unmark(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
        yield_now().await;
        self.with(|content| {
            content.log.push("unmark");
            if take(&mut content.failing_unmarks) {
                return Err("the database is down".into());
            }
            content.in_use &= content.token != token.expose();
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn each_renewal_marks_before_it_sends_and_stores_after_it() {
    let mock = MockGenesys::new();
    let row = Row::of(&mock);
    let in_use = row.clone();
    // Looks at the row when the request is sent.
    let looking = tower::service_fn({
        let service = mock.service();
        move |request: http::Request<Body>| {
            assert!(in_use.in_use(), "sent without a mark");
            service.clone().call(request)
        }
    });
    let process = row.process(&mock, looking);
    for n in 1..=3 {
        fetch(&process).await.unwrap();
        assert_eq!(row.log(), ["mark", "persist"], "one additional write");
        assert!(!row.in_use());
        assert_eq!(mock.token_posts(), n);
    }
    assert_none_twice(&sent(&mock, "refresh_token"));
}

#[tokio::test(start_paused = true)]
async fn after_a_process_that_ended_during_a_renewal_the_next_one_sends_nothing() {
    let mock = MockGenesys::new();
    let row = Row::of(&mock);
    mock.on(TOKEN).once().never_answers();
    let ended = row.process(&mock, mock.service());
    let fetching = tokio::time::timeout(Duration::from_secs(1), fetch(&ended));
    assert!(fetching.await.is_err());
    drop(ended);
    assert!(row.in_use());

    let next = row.process(&mock, mock.service());
    for _ in 0..3 {
        let error = failure(&next).await;
        assert_eq!(error.kind(), Kind::LoginRequired);
        assert!(error.to_string().contains("marked as in use"), "{error}");
    }
    assert!(next.handle().is_login_required());
    assert_eq!(mock.token_posts(), 1, "the request of the first process");
    next.handle().replace(mock.issue_refresh_token());
    fetch(&next).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_another_process_has_replaced_is_not_sent() {
    type Before = fn(&mut Content);
    let befores: [Before; 2] = [|_| (), |content| content.lost_answers = 1];
    for (before, failures) in befores.into_iter().zip([0, 1]) {
        for tries_marked in [false, true] {
            let mock = MockGenesys::new();
            let row = Row::of(&mock);
            let mut process = row.process(&mock, mock.service());
            if tries_marked {
                process = process.with_try_of_marked_token();
            }
            row.with(before);
            for _ in 0..failures {
                assert_eq!(failure(&process).await.kind(), Kind::NotMarked);
            }
            row.with(|content| {
                (content.token, content.in_use) = (mock.issue_refresh_token(), false);
            });

            let error = failure(&process).await;
            assert_eq!(error.kind(), Kind::LoginRequired);
            assert!(
                error.to_string().contains("another process has renewed"),
                "{error}"
            );
            assert_eq!(mock.token_posts(), 0);
            let newer = row.with(|content| content.token.clone());
            process.handle().replace(newer);
            fetch(&process).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_setting_allows_one_try_of_a_marked_token() {
    for spent in [false, true] {
        let mock = MockGenesys::new();
        let row = Row::of(&mock);
        if spent {
            // Its process ended before it stored the next refresh token.
            let token = row.with(|content| content.token.clone());
            let other = Refreshing::new(mock.region(), credentials(&mock), token, mock.service());
            fetch(&other).await.unwrap();
        }
        row.with(|content| content.in_use = true);
        let before = mock.token_posts();
        let next = row.process(&mock, mock.service());
        let next = next.with_try_of_marked_token();
        match fetch(&next).await {
            Ok(_) => assert!(!spent && !row.in_use()),
            Err(error) => assert!(spent && error.kind() == Kind::LoginRequired, "{error}"),
        }
        if spent {
            failure(&next).await;
            assert!(row.in_use(), "for the next process");
        }
        assert_eq!(mock.token_posts(), before + 1, "spent: {spent}");
        assert!(!row.log().contains(&"unmark"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_fails_keeps_the_login_and_sends_nothing() {
    type Break = fn(&mut Content);
    let breaks: [Break; 3] = [
        |content| content.failing_marks = 2,
        |content| content.lost_answers = 1,
        |content| content.hanging_marks = 1,
    ];
    for (at, fail) in breaks.into_iter().enumerate() {
        let mock = MockGenesys::new();
        let row = Row::of(&mock);
        row.with(fail);
        let process = row.process(&mock, mock.service());
        let begun = Instant::now();
        let error = failure(&process).await;
        assert_eq!(error.kind(), Kind::NotMarked, "{at}: {error}");
        assert!(error.is_transient() && std::error::Error::source(&error).is_some());
        assert!(begun.elapsed() < Duration::from_secs(8), "{at}");
        assert_eq!(mock.token_posts(), 0, "{at}");
        assert!(!process.handle().is_login_required(), "{at}");
        while let Err(error) = fetch(&process).await {
            assert_eq!((error.kind(), mock.token_posts()), (Kind::NotMarked, 0));
        }
        assert_eq!(mock.token_posts(), 1, "{at}");
        assert!(!row.in_use());
    }
}

#[tokio::test(start_paused = true)]
async fn a_certainly_unused_refresh_token_is_unmarked_for_the_next_process() {
    let unavailable = |mock: &MockGenesys| drop(mock.on(TOKEN).once().reply_503());
    let throttled = |mock: &MockGenesys| drop(mock.on(TOKEN).once().throttle_400());
    let denied = |mock: &MockGenesys| {
        let body = r#"{"error":"invalid_client"}"#;
        let script = mock.on(TOKEN).once();
        drop(script.reply(http::StatusCode::BAD_REQUEST, HeaderMap::new(), body));
    };
    let nothing = |_: &MockGenesys| {};
    type Answer<'a> = &'a dyn Fn(&MockGenesys);
    let cases: [(Answer<'_>, Way, usize); 5] = [
        (&unavailable, Way::Free, 1),
        (&throttled, Way::Free, 1),
        (&denied, Way::Free, 1),
        (&nothing, Way::Refused, 0),
        (&nothing, Way::Stopped, 0),
    ];
    for (at, (answer, way, posts)) in cases.into_iter().enumerate() {
        let mock = MockGenesys::new();
        let row = Row::of(&mock);
        answer(&mock);
        let process = row.process(&mock, Client::new(&mock, [way]));
        let kind = failure(&process).await.kind();
        assert_ne!(kind, Kind::LoginRequired, "{at}");
        assert_eq!(row.log(), ["mark", "unmark"], "{at}");
        drop(process);
        assert_eq!(mock.token_posts(), posts, "{at}");
        let next = row.process(&mock, mock.service());
        fetch(&next).await.unwrap();
        assert_eq!(mock.token_posts(), posts + 1, "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_could_not_be_removed_is_removed_later() {
    let mock = MockGenesys::new();
    let row = Row::of(&mock);
    row.with(|content| content.failing_unmarks = 2);
    mock.on(TOKEN).first(2).reply_503();
    let process = row.process(&mock, mock.service());
    assert_eq!(failure(&process).await.kind(), Kind::Unavailable);
    assert_eq!(row.log(), ["mark", "unmark"]);
    assert!(row.in_use());
    // The process recognises its own mark, and sets no other.
    assert_eq!(failure(&process).await.kind(), Kind::Unavailable);
    assert_eq!(row.log(), ["unmark", "unmark"]);
    assert!(!row.in_use(), "the third attempt works");
    fetch(&process).await.unwrap();
    assert_eq!(row.log(), ["mark", "persist"]);
    assert_eq!(mock.token_posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_does_not_rotate_is_unmarked_after_its_use() {
    let mock = MockGenesys::new();
    let row = Row::of(&mock);
    let answer = r#"{"access_token":"t","expires_in":60}"#;
    mock.on(TOKEN).from(1).reply_token_json(answer);
    let process = row.process(&mock, mock.service());
    for _ in 0..2 {
        fetch(&process).await.unwrap();
        assert_eq!(row.log(), ["mark", "unmark"]);
        assert!(!row.in_use());
    }
}

/// Runs a process for this many polls, and ends it. Returns whether it got its
/// token.
async fn run_for(polls: usize, process: Refreshing<Client>) -> bool {
    let mut fetching = Box::pin(process.fetch(cx()));
    for _ in 0..polls {
        if let Some(result) = (&mut fetching).now_or_never() {
            return result.is_ok();
        }
        yield_now().await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn a_process_may_end_at_any_poll_and_no_refresh_token_is_sent_twice() {
    let (mut kept, mut lost, mut polls) = (0, 0, 0);
    loop {
        let mock = MockGenesys::new();
        let row = Row::of(&mock);
        let slow = Client::new(&mock, [Way::Slow]);
        let done = run_for(polls, row.process(&mock, slow)).await;
        let sent_before = mock.token_posts();
        let next = row.process(&mock, mock.service());
        match fetch(&next).await {
            Ok(_) => kept += 1,
            Err(error) => {
                assert_eq!(error.kind(), Kind::LoginRequired, "{polls}");
                assert_eq!(mock.token_posts(), sent_before, "{polls}");
                lost += 1;
            }
        }
        assert_none_twice(&sent(&mock, "refresh_token"));
        if done {
            break;
        }
        polls += 1;
    }
    assert!(kept >= 3 && lost >= 3, "{kept} kept, {lost} lost");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_not_sent_without_time_for_an_answer() {
    let mock = MockGenesys::new();
    let row = Row::of(&mock);
    let slow = Client::new(&mock, []);
    let delayed = tower::ServiceBuilder::new()
        .layer_fn(|inner| Delayed {
            inner,
            ready_at: None,
        })
        .service(slow);
    let process = row.process(&mock, delayed);
    let error = failure(&process).await;
    assert_eq!(error.kind(), Kind::TimedOut, "{error}");
    assert!(error.to_string().contains("was not sent"), "{error}");
    assert_eq!((mock.token_posts(), row.in_use()), (0, false));
    assert!(!process.handle().is_login_required());
}

/// The deadline passes while the thread is blocked, or the machine asleep.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_not_sent_after_the_deadline() {
    let mock = MockGenesys::new();
    for (marks_late, is_marked) in [(false, false), (true, true)] {
        let row = Row::of(&mock);
        row.with(|content| content.late_marks = usize::from(marks_late));
        let process = row.process(&mock, Client::new(&mock, [Way::Slow]));
        let mut begun = cx();
        if !marks_late {
            begun.deadline = Instant::now();
        }
        let before = mock.token_posts();
        let error = process.fetch(begun).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TimedOut, "{error}");
        assert!(error.to_string().contains("was not sent"), "{error}");
        assert_eq!((mock.token_posts(), row.in_use()), (before, is_marked));
        // The next fetch sends it.
        fetch(&process).await.unwrap();
        assert_eq!((mock.token_posts(), row.in_use()), (before + 1, false));
    }
}

/// A client that is ready after 14 seconds.
#[derive(Clone)]
struct Delayed<S> {
    inner: S,
    ready_at: Option<Instant>,
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for Delayed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        let later = Instant::now() + Duration::from_secs(14);
        let at = *self.ready_at.get_or_insert(later);
        if Instant::now() < at {
            let waker = cx.waker().clone();
            tokio::spawn(async move {
                tokio::time::sleep_until(at).await;
                waker.wake();
            });
            return std::task::Poll::Pending;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> S::Future {
        self.inner.call(request)
    }
}
