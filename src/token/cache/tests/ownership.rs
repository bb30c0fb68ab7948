//! A renewal is independent of its callers.

use super::*;

#[tokio::test(start_paused = true)]
async fn dropping_callers_neither_cancels_nor_repeats_the_renewal() {
    let (cache, script) = Script::cache([Step::After(Duration::from_secs(1))]);
    for _ in 0..100 {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
        settle().await;
    }
    sleep(Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(script.fetches(), 1);
}

/// The handle would keep the memory of the whole task until the next renewal.
#[tokio::test(start_paused = true)]
async fn a_task_is_kept_no_longer_than_its_renewal_takes() {
    let second = Duration::from_secs(1);
    let failure = Step::Fail(TokenErrorKind::Denied);
    let (cache, _) = Script::cache([Step::After(second), failure, Step::Never]);
    let kept = || cache.shared.keeps_a_task();
    assert!(poll_immediate(cache.token()).await.is_none());
    assert!(kept());
    let first = cache.token().await.unwrap().generation();
    assert!(!kept());
    cache.report_rejected(first);
    assert!(kept());
    assert!(cache.wait(first).await.is_err());
    assert!(!kept());
    cache.invalidate();
    assert!(kept());
    cache.close().await;
    assert!(!kept());
}

#[tokio::test(start_paused = true)]
async fn a_closed_cache_serves_what_it_has_and_renews_nothing() {
    let (cache, script) = Script::cache([]);
    let first = cache.token().await.unwrap().generation();
    cache.close().await;
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(cache.report_rejected(first), Rejection::CannotRenew);
    advance(DAY).await;
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Closed
    );
    assert_eq!(script.fetches(), 1);
}

#[test]
fn without_a_runtime_there_is_a_typed_error() {
    let (cache, script) = Script::cache([]);
    assert_eq!(cache.try_current().map(|token| token.generation()), None);
    let error = futures_util::FutureExt::now_or_never(cache.token())
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::NoRuntime);
    assert_eq!(script.fetches(), 0);
}

#[test]
#[should_panic(expected = "Call `enable_time` on the runtime builder")]
fn on_a_runtime_without_the_time_driver_a_wait_panics() {
    let (cache, _script) = Script::cache([]);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let _ = runtime.unwrap().block_on(cache.token());
}

#[test]
fn a_dropped_runtime_is_replaced_at_once() {
    let (cache, script) = Script::cache([Step::Never]);
    let runtime = || tokio::runtime::Builder::new_current_thread();
    let first = runtime().enable_all().build().unwrap();
    first.block_on(async {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
        settle().await;
    });
    assert_eq!(script.fetches(), 1);
    let second = runtime().enable_all().start_paused(true).build().unwrap();
    second.block_on(async {
        let mut waiting = Box::pin(cache.token());
        assert!(poll_immediate(&mut waiting).await.is_none());
        let started = Instant::now();
        std::thread::spawn(|| drop(first)).join().unwrap();
        assert_eq!(waiting.await.unwrap().expose(), "token-2");
        assert_eq!(
            started.elapsed(),
            Duration::ZERO,
            "not only at the deadline"
        );
    });
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_starts_while_the_cache_is_closed_is_ended_too() {
    let (_, script) = Script::cache([Step::Never]);
    let own = Arc::new(std::sync::OnceLock::<TokenCache>::new());
    let closer = own.clone();
    let observer = move |event: &crate::token::TokenEvent<'_>| {
        if let (crate::token::TokenEvent::Started { .. }, Some(cache)) = (event, closer.get()) {
            let closed = futures_util::FutureExt::now_or_never(cache.close());
            assert!(closed.is_some(), "there is no task to wait for yet");
        }
    };
    let cache = TokenCache::builder(script.clone())
        .observer(observer)
        .build();
    own.set(cache.clone()).unwrap();
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Closed
    );
    settle().await;
    assert_eq!(script.fetches(), 0, "its task was ended before it began");
}

#[test]
fn a_runtime_that_nobody_drives_is_taken_over_from_at_the_deadline() {
    let (cache, script) = Script::cache([Step::Never]);
    let frozen = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let driven = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    frozen.block_on(async {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
    });
    let token = driven.block_on(cache.token()).unwrap();
    assert_eq!(token.expose(), "token-2");
    assert_eq!(script.fetches(), 2);
    drop(frozen);
    assert_eq!(cache.shared.inspect(|machine, _| machine.renewing()), None);
    assert_eq!(
        cache.status().failures,
        0,
        "the end of the frozen task is no failure"
    );
}

#[test]
fn an_abort_is_no_failure_for_who_waits_for_a_lasting_token() {
    let steps = [Step::Token("short", Duration::from_secs(6000)), Step::Never];
    let (cache, _script) = Script::cache(steps);
    let runtime = || tokio::runtime::Builder::new_current_thread();
    let driven = runtime().enable_all().start_paused(true).build().unwrap();
    driven.block_on(cache.token()).unwrap();
    driven.block_on(advance(Duration::from_secs(3000)));
    let dropped = runtime().enable_all().start_paused(true).build().unwrap();
    let mut lasting = Box::pin(cache.token_valid_for(Duration::from_secs(5000)));
    dropped.block_on(async {
        advance(Duration::from_secs(3000)).await;
        assert!(poll_immediate(&mut lasting).await.is_none());
        settle().await;
    });
    drop(dropped);
    assert_eq!(driven.block_on(lasting).unwrap().expose(), "token-3");
}

#[test]
fn a_waiter_without_a_runtime_gets_a_typed_error_though_a_renewal_is_under_way() {
    let (cache, _script) = Script::cache([Step::Never]);
    let frozen = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    frozen.block_on(async {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
    });
    let waited = futures_util::FutureExt::now_or_never(cache.token());
    assert_eq!(
        waited.unwrap().unwrap_err().kind(),
        TokenErrorKind::NoRuntime
    );
}

#[test]
#[should_panic(expected = "shut")]
fn on_a_runtime_that_was_shut_down_a_wait_panics() {
    let (cache, _script) = Script::cache([]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let _entered = handle.enter();
    let _ = futures_util::FutureExt::now_or_never(cache.token());
}

#[test]
fn a_renewal_that_was_taken_over_asks_for_no_token_when_its_runtime_goes_on() {
    let (cache, script) = Script::cache([]);
    let runtime = || tokio::runtime::Builder::new_current_thread();
    let frozen = runtime().enable_all().build().unwrap();
    let mut first = Box::pin(cache.wait(Generation::NONE));
    frozen.block_on(futures_util::future::poll_fn(|cx| {
        assert!(first.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    }));
    let before = script.fetches();
    let driven = runtime().enable_all().start_paused(true).build().unwrap();
    driven.block_on(cache.token()).unwrap();
    assert_eq!(script.fetches(), before + 1);
    frozen.block_on(settle());
    assert_eq!(script.fetches(), before + 1);
}

#[test]
fn a_waiter_whose_runtime_has_gone_goes_on_waiting_on_another_one() {
    let (cache, script) = Script::cache([Step::After(Duration::from_secs(1))]);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let (renews, first, second) = (runtime(), runtime(), runtime());
    renews.block_on(async {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
    });
    let mut waiting = cache.wait(Generation::NONE);
    first.block_on(async {
        assert!(poll_immediate(&mut waiting).await.is_none());
    });
    drop(first);
    second.block_on(async {
        assert!(poll_immediate(&mut waiting).await.is_none());
    });
    renews.block_on(async { sleep(Duration::from_secs(2)).await });
    let token = second.block_on(waiting).unwrap();
    assert_eq!((token.expose(), script.fetches()), ("token-1", 1));
}

#[test]
fn a_waiter_that_leaves_a_runtime_that_nobody_drives_takes_over_at_the_deadline() {
    let (cache, script) = Script::cache([Step::Never]);
    let runtime = || tokio::runtime::Builder::new_current_thread();
    let frozen = runtime().enable_all().build().unwrap();
    let driven = runtime().enable_all().start_paused(true).build().unwrap();
    let mut waiting = cache.wait(Generation::NONE);
    frozen.block_on(async {
        assert!(poll_immediate(&mut waiting).await.is_none());
        settle().await;
    });
    driven.block_on(async {
        let limit = Duration::from_secs(3600);
        let token = tokio::time::timeout(limit, waiting).await;
        assert_eq!(token.expect("it hangs").unwrap().expose(), "token-2");
    });
    assert_eq!(script.fetches(), 2);
}
