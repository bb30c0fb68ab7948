//! One client on several runtimes: idle ones, ended ones, and outside of any.

use std::{future::Future, sync::Arc, task::Poll};

use futures_util::future::{Either, select};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{JoinSet, spawn_blocking, yield_now},
    time::timeout,
};
use tower::{Service, ServiceExt};
use tower_genesys::{
    client::{ClientBuilder, ClientErrorKind},
    retry::{BoxErrorClassifier, Class},
    testing::ANY,
};

use crate::setup::{Body, HttpClient, PATIENCE, get, setup, setup_with};

fn current_thread() -> Arc<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    Arc::new(runtime.expect("a runtime"))
}

/// Drives a runtime until the future is ready, on a thread that may block.
async fn block_on<F>(runtime: &Arc<Runtime>, future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
    F::Output: 'static,
{
    let runtime = Arc::clone(runtime);
    let done = spawn_blocking(move || runtime.block_on(future));
    timeout(PATIENCE, done)
        .await
        .expect("it ends")
        .expect("no panic")
}

async fn end(runtime: Arc<Runtime>) {
    spawn_blocking(move || drop(runtime))
        .await
        .expect("no panic");
}

/// Sends a request, and reads the whole response.
async fn ask(client: HttpClient, method: Method, uri: Uri) -> StatusCode {
    let mut request = Request::new(Body::from(Full::default()));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let response = client.oneshot(request).await.expect("an answer");
    let status = response.status();
    response.into_body().collect().await.expect("a body");
    status
}

fn pools(client: &HttpClient) -> String {
    let shown = format!("{client:?}");
    let count = shown.split("runtimes: ").nth(1).expect("it is shown");
    count.chars().take_while(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn an_idle_runtime_delays_no_request_of_another() {
    for protocol in ["h2", "http/1.1"] {
        let setup = setup_with(&[protocol]).await;
        let client: HttpClient = setup.builder().build().unwrap();
        let (resting, other) = (current_thread(), current_thread());
        for (runtime, method) in [
            (&resting, Method::GET),
            (&other, Method::GET),
            (&other, Method::POST),
            // On the connection that it has kept.
            (&resting, Method::POST),
        ] {
            let asked = ask(client.clone(), method, setup.uri());
            assert_eq!(block_on(runtime, asked).await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(setup.server.accepted(), 2, "{protocol}: one per runtime");
        assert_eq!(pools(&client), "2");
        end(resting).await;
        end(other).await;
    }
}

#[tokio::test]
async fn a_runtime_per_call_works_and_leaves_nothing_behind() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    for n in 1..=3 {
        let runtime = current_thread();
        for method in [Method::GET, Method::POST] {
            let asked = ask(client.clone(), method, setup.uri());
            assert_eq!(block_on(&runtime, asked).await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!((setup.server.accepted(), pools(&client)), (n, "1".into()));
        end(runtime).await;
        assert_eq!(pools(&client), "0");
        setup.server.wait_for_open(0).await;
    }
}

#[tokio::test]
async fn all_threads_of_a_runtime_share_one_pool() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    let workers = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build();
    let workers = Arc::new(workers.unwrap());
    let (asking, uri) = (client.clone(), setup.uri());
    let statuses = block_on(&workers, async move {
        let mut calls = JoinSet::new();
        for _ in 0..32 {
            calls.spawn(ask(asking.clone(), Method::GET, uri.clone()));
        }
        calls.join_all().await
    })
    .await;
    assert_eq!(statuses, [StatusCode::UNAUTHORIZED; 32]);
    assert_eq!(pools(&client), "1");
    end(workers).await;
}

#[tokio::test]
async fn a_response_belongs_to_the_runtime_that_awaits_it() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    let mut request = Request::new(Body::from(Full::default()));
    *request.uri_mut() = setup.uri();
    // Created in the test's runtime, and awaited in another one.
    let call = client.clone().call(request);
    let other = current_thread();
    let response = block_on(&other, call).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    drop(response);
    end(other).await;
    assert_eq!(pools(&client), "0");
}

#[tokio::test]
async fn a_request_whose_runtime_ends_may_have_been_executed() {
    let setup = setup().await;
    let client: HttpClient = setup.builder().build().unwrap();
    let held = setup.mock.hold(ANY);
    let (ending, other) = (current_thread(), current_thread());
    let (uri, mock) = (setup.uri(), setup.mock.clone());
    let call = Box::pin(async move { get(&client, uri).await });
    let unanswered = block_on(&ending, async move {
        let arrived = std::pin::pin!(mock.wait_for(ANY, 1));
        match select(call, arrived).await {
            Either::Left(_) => None,
            Either::Right(((), call)) => Some(call),
        }
    });
    let call = unanswered.await.expect("it is held");
    assert_eq!(setup.mock.count(ANY), 1);
    end(ending).await;
    let error = block_on(&other, call).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Exchange, "{error}");
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::Transient { after: None });
    drop(held);
    end(other).await;
}

#[test]
fn outside_of_a_runtime_nothing_is_sent_and_nothing_panics() {
    let client: HttpClient = ClientBuilder::new().without_proxy().build().unwrap();
    let request = Request::get("https://api.mypurecloud.com/").body(Body::empty());
    let mut call = tokio_test::task::spawn(client.oneshot(request.unwrap()));
    let Poll::Ready(Err(error)) = call.poll() else {
        panic!("it waits, though there is nothing to wait for");
    };
    assert_eq!(error.kind(), ClientErrorKind::NoRuntime);
    assert!(error.to_string().contains("api.mypurecloud.com"), "{error}");
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::Final);
}

#[tokio::test]
async fn all_tasks_end_with_the_last_clone() {
    let setup = setup().await;
    let before = Handle::current().metrics().num_alive_tasks();
    let client: HttpClient = setup.builder().build().unwrap();
    let clone = client.clone();
    ask(client, Method::GET, setup.uri()).await;
    assert!(Handle::current().metrics().num_alive_tasks() > before);
    drop(clone);
    // The runtime announces the end of no task. Each turn polls those that can
    // end.
    let ended = async {
        while Handle::current().metrics().num_alive_tasks() > before {
            yield_now().await;
        }
    };
    timeout(PATIENCE, ended).await.expect("the tasks end");
}
