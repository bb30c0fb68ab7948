use std::collections::BTreeSet;

use http::{Method, Request};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use tower_genesys::testing::{ANY_API, TOKEN, USERS};

use crate::setup::{Body, Setup, attribute, named};

#[tokio::test(start_paused = true)]
async fn a_call_is_a_span_and_each_attempt_a_child_of_it() {
    let mut setup = Setup::new();
    setup.mock.on(USERS).first(2).reply_503();
    let request = setup.get("/api/v2/users?pageSize=25");
    assert_eq!(setup.send(request).await.unwrap().status(), 200);

    let spans = setup.spans();
    let all = named(&spans, "GET /api/v2/users");
    let (calls, attempts) = all
        .iter()
        .copied()
        .partition::<Vec<_>, _>(|span| span.parent_span_id == SpanId::INVALID);
    assert_eq!((calls.len(), attempts.len()), (1, 3));
    let region = setup.mock.region();
    for span in &all {
        assert_eq!(span.span_kind, SpanKind::Client);
        let expected = [
            ("http.request.method", "GET"),
            ("server.address", region.api_host()),
            ("url.template", "/api/v2/users"),
        ];
        for (name, value) in expected {
            assert_eq!(attribute(span, name).as_deref(), Some(value), "{name}");
        }
    }
    let seen = |name| {
        attempts
            .iter()
            .map(|span| attribute(span, name))
            .collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen("http.response.status_code"),
        [text("503"), text("503"), text("200")]
    );
    assert_eq!(
        seen("http.request.resend_count"),
        [None, text("1"), text("2")]
    );
    assert_eq!(seen("error.type"), [text("503"), text("503"), None]);
    assert!(matches!(attempts[0].status, Status::Error { .. }));
    assert_eq!(attempts[2].status, Status::Unset);
    for attempt in &attempts {
        assert_eq!(attempt.parent_span_id, calls[0].span_context.span_id());
    }
    assert_eq!(attribute(calls[0], "http.request.resend_count"), text("2"));
    assert_eq!(
        attribute(calls[0], "http.response.status_code"),
        text("200")
    );
    assert_eq!(calls[0].status, Status::Unset);
}

#[tokio::test(start_paused = true)]
async fn the_token_request_is_a_root_span_that_links_to_the_call() {
    let mut setup = Setup::new();
    let request = setup.get("/api/v2/users");
    setup.send(request).await.unwrap();
    let spans = setup.spans();
    let [renewal] = named(&spans, "token_renewal")[..] else {
        panic!("one renewal")
    };
    let call = spans.iter().find(|span| {
        attribute(span, "url.template").is_some() && span.parent_span_id == SpanId::INVALID
    });
    let call = call.expect("a call");
    assert_ne!(
        renewal.span_context.trace_id(),
        call.span_context.trace_id()
    );
    let links: Vec<_> = renewal
        .links
        .iter()
        .map(|link| link.span_context.span_id())
        .collect();
    assert_eq!(links, [call.span_context.span_id()]);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_own_traceparent() {
    let mut setup = Setup::new();
    setup.mock.on(USERS).first(1).reply_503();
    let request = setup.get("/api/v2/users");
    setup.send(request).await.unwrap();
    let spans = setup.spans();
    let sent = setup.mock.requests_at(USERS);
    let parents: Vec<_> = sent
        .iter()
        .map(|sent| sent.headers()["traceparent"].to_str().unwrap().to_owned())
        .collect();
    let attempts = spans.iter().filter(|span| {
        span.parent_span_id != SpanId::INVALID && attribute(span, "url.template").is_some()
    });
    let expected: Vec<_> = attempts
        .map(|span| {
            let context = &span.span_context;
            format!("00-{}-{}-01", context.trace_id(), context.span_id())
        })
        .collect();
    assert_eq!((parents.len(), parents), (2, expected));
}

#[tokio::test(start_paused = true)]
async fn failures_have_one_of_a_few_names() {
    let mut setup = Setup::new();
    let request = setup.get("/api/v2/users");
    setup.mock.on(USERS).reset();
    let mut write = setup.get("/api/v2/users");
    *write.method_mut() = Method::POST;
    setup.mock.on(ANY_API).reset();
    assert!(setup.send(write).await.is_err());
    assert!(setup.send(request).await.is_err());

    let foreign = Request::get("https://example.com/x")
        .body(Body::default())
        .unwrap();
    assert!(setup.send(foreign).await.is_err());
    let hanging = setup.get("/api/v2/users");
    setup.mock.on(ANY_API).never_answers();
    let second = std::time::Duration::from_secs(1);
    assert!(
        tokio::time::timeout(second, setup.send(hanging))
            .await
            .is_err()
    );

    setup
        .mock
        .on(TOKEN)
        .reply_html(http::StatusCode::BAD_GATEWAY);
    setup.org.tokens().revoke().await.unwrap_err();
    let spans = setup.spans();
    let errors: BTreeSet<_> = spans
        .iter()
        .filter_map(|span| attribute(span, "error.type"))
        .collect();
    let known = ["connection_reset", "dropped", "refused", "transport"];
    assert!(
        errors.iter().all(|error| known.contains(&&**error)),
        "{errors:?}"
    );
    assert!(
        errors.contains("refused") && errors.contains("dropped"),
        "{errors:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_token_is_named_by_the_kind_of_the_error() {
    let mut setup = Setup::new();
    setup.mock.rotate_secret("another");
    let request = setup.get("/api/v2/users");
    assert!(setup.send(request).await.is_err());
    let spans = setup.spans();
    let call = spans
        .iter()
        .find(|span| attribute(span, "url.template").is_some());
    assert_eq!(
        attribute(call.unwrap(), "error.type").as_deref(),
        Some("denied")
    );
}

#[tokio::test(start_paused = true)]
async fn no_span_shows_an_id_a_query_a_token_a_secret_or_an_odd_method() {
    let mut setup = Setup::new();
    setup.mock.on(USERS).nth(2).revoke_token();
    let paths = [
        "/api/v2/users?name=Ada+Lovelace",
        "/api/v2/users/11111111-2222-4333-8444-555555555555",
        "/api/v2/routing/queues/my-queue/members?x=y",
        "/api/v2/not/known/ada@example.com",
    ];
    for path in paths {
        let mut request = setup.get(path);
        let secret = "Bearer my-own-s3cr3t".parse().unwrap();
        request.headers_mut().insert("authorization", secret);
        let _ = setup.send(request).await;
    }
    let mut odd = setup.get("/api/v2/users");
    *odd.method_mut() = Method::from_bytes(b"ADA-LOVELACE").unwrap();
    let _ = setup.send(odd).await;

    let spans = setup.spans();
    let shown = format!("{spans:?}").to_lowercase();
    let mut secrets = vec![
        "lovelace", "11111111", "my-queue", "ada@", "s3cr3t", "pagesize", "bearer",
    ];
    let secret = setup.mock.client_secret().to_lowercase();
    secrets.push(&secret);
    let requests = setup.mock.requests();
    let tokens: Vec<_> = { requests.iter() }
        .filter_map(|sent| sent.bearer().map(str::to_lowercase))
        .collect();
    assert!(tokens.len() > 4);
    secrets.extend(tokens.iter().map(String::as_str));
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret}");
    }
    let names: BTreeSet<_> = spans.iter().map(|span| span.name.clone()).collect();
    let expected = [
        "GET",
        "GET /api/v2/routing/queues/{}/members",
        "GET /api/v2/users",
        "_OTHER",
        "token_renewal",
    ];
    assert_eq!(names, expected.map(Into::into).into());
}
