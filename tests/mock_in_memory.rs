//! `MockGenesys` in memory, asked by plain requests: nothing of the crate's own client is in here.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_genesys::testing::{
    ANY, ANY_API, CREATE_USER, DETAILS_QUERY, MockBody, MockErrorKind, MockGenesys, Route, USERS,
    USERS_ME,
};

/// Status, headers and JSON of an answer.
type Answer = (StatusCode, HeaderMap, Value);

const QUERY: &str = "/api/v2/analytics/conversations/details/query";

async fn open(response: Response<MockBody>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(
        head.headers[header::CONTENT_LENGTH],
        body.len().to_string().as_str()
    );
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (head.status, head.headers, json)
}

async fn send(mock: &MockGenesys, request: Request<Full<Bytes>>) -> Answer {
    open(mock.service().oneshot(request).await.unwrap()).await
}

fn form(mock: &MockGenesys, secret: &str, form: &str) -> Request<Full<Bytes>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let basic = STANDARD.encode(format!("{}:{secret}", mock.client_id()));
    Request::post(mock.region().token_url())
        .header("AUTHORIZATION", format!("basic {basic}"))
        .header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .body(Full::from(form.to_owned()))
        .unwrap()
}

async fn token(mock: &MockGenesys) -> String {
    let request = form(mock, &mock.client_secret(), "grant_type=client_credentials");
    let (status, _, body) = send(mock, request).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

fn api(mock: &MockGenesys, method: Method, path: &str, token: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(mock.region().api(path).unwrap())
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::default())
        .unwrap()
}

fn post(mock: &MockGenesys, path: &str, token: &str, body: &Value) -> Request<Full<Bytes>> {
    let mut request = api(mock, Method::POST, path, token);
    let json = header::HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::CONTENT_TYPE, json);
    *request.body_mut() = Full::from(body.to_string());
    request
}

async fn get(mock: &MockGenesys, path: &str, token: &str) -> Answer {
    send(mock, api(mock, Method::GET, path, token)).await
}

#[tokio::test(start_paused = true)]
async fn a_token_opens_the_api_until_it_expires() {
    let mock = MockGenesys::new();
    let request = form(&mock, "client-secret", "grant_type=client_credentials");
    let (_, headers, body) = send(&mock, request).await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 86_399);
    assert_eq!(body.as_object().unwrap().len(), 3, "no refresh token");
    let token = body["access_token"].as_str().unwrap();

    tokio::time::advance(Duration::from_secs(86_399)).await;
    assert_eq!(get(&mock, "/api/v2/users", token).await.0, 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    let (status, headers, body) = get(&mock, "/api/v2/users", token).await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "bad.credentials");
    assert_eq!(
        body["contextId"],
        headers["ININ-Correlation-Id"].to_str().unwrap()
    );
    assert_eq!((mock.token_posts(), mock.api_calls()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_missing_bearer_is_told_from_a_bad_one() {
    let mock = MockGenesys::new();
    let mut request = api(&mock, Method::GET, "/api/v2/users", "x");
    request.headers_mut().clear();
    let (status, _, body) = send(&mock, request).await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "authentication.required");
    let (status, _, body) = get(&mock, "/api/v2/users", "nonsense").await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "bad.credentials");
}

#[tokio::test(start_paused = true)]
async fn the_fourth_query_gets_429_and_only_that() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let body = json!({ "interval": mock.interval() });
    let ask = || send(&mock, post(&mock, QUERY, &token, &body));
    assert_eq!(ask().await.0, 200);
    // The rule comes late, and all the same counts from the beginning.
    mock.on(DETAILS_QUERY)
        .nth(4)
        .reply_429(Duration::from_millis(41_001));
    let mut statuses = Vec::new();
    for _ in 2..=5 {
        let (status, headers, body) = ask().await;
        statuses.push(status.as_u16());
        if status == 429 {
            assert_eq!(headers[header::RETRY_AFTER], "42");
            assert_eq!(body["code"], "too.many.requests.retry.after");
            assert_eq!(
                body["message"],
                "Rate limit exceeded the maximum. Retry the request in [42] seconds"
            );
        }
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
    assert_eq!(mock.count(DETAILS_QUERY), 5);
}

#[tokio::test(start_paused = true)]
async fn selectors_pick_by_ordinal_and_the_last_rule_wins() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(USERS).from(6).reply_status(StatusCode::NOT_FOUND);
    mock.on(USERS).every(2).reply_status(StatusCode::CONFLICT);
    mock.on(USERS).first(2).reply_503();
    mock.on(ANY_API).once().reply_status(StatusCode::GONE);
    let mut statuses = Vec::new();
    for _ in 1..=8 {
        let status = get(&mock, "/api/v2/users", &token).await.0;
        statuses.push(status.as_u16());
    }
    assert_eq!(statuses, [410, 503, 200, 409, 200, 409, 404, 409]);
    mock.clear_script();
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn each_token_has_its_own_minute() {
    let mock = MockGenesys::builder().rate_limit(3).build();
    let (one, other) = (token(&mock).await, token(&mock).await);
    for _ in 0..3 {
        assert_eq!(get(&mock, "/api/v2/users", &one).await.0, 200);
    }
    tokio::time::advance(Duration::from_millis(18_500)).await;
    let (status, headers, body) = get(&mock, "/api/v2/users", &one).await;
    assert_eq!(
        (status.as_u16(), &headers[header::RETRY_AFTER]),
        (429, &"42".parse().unwrap())
    );
    assert_eq!(body["limit"]["value"], 3);
    assert_eq!(get(&mock, "/api/v2/users", &other).await.0, 200);
    tokio::time::advance(Duration::from_millis(41_500)).await;
    assert_eq!(get(&mock, "/api/v2/users", &one).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_die_by_revocation_expiry_and_eviction() {
    let mock = MockGenesys::builder().max_tokens(2).build();
    let oldest = token(&mock).await;
    let (one, other) = (token(&mock).await, token(&mock).await);
    assert_eq!(mock.live_tokens(), 2);
    assert_eq!(get(&mock, "/api/v2/users", &oldest).await.0, 401, "evicted");
    assert!(mock.revoke(&one));
    assert!(!mock.revoke(&one));
    assert_eq!(get(&mock, "/api/v2/users", &one).await.0, 401);
    assert_eq!(get(&mock, "/api/v2/users", &other).await.0, 200);
    mock.expire_all();
    assert_eq!(get(&mock, "/api/v2/users", &other).await.0, 401);
    let last = mock.mint_token();
    mock.on(USERS).once().revoke_token();
    assert_eq!(get(&mock, "/api/v2/users", &last).await.0, 401);
    assert_eq!(get(&mock, "/api/v2/users", &last).await.0, 401);
    mock.accept_token("elsewhere");
    mock.on(USERS).once().expire_token();
    assert_eq!(get(&mock, "/api/v2/tokens/me", "elsewhere").await.0, 200);
    assert_eq!(get(&mock, "/api/v2/users", "elsewhere").await.0, 401);
    assert_eq!((mock.live_tokens(), mock.token_posts()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_client_loses_its_tokens() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.disable_client();
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 401);
    let ask = || form(&mock, "client-secret", "grant_type=client_credentials");
    let (status, _, body) = send(&mock, ask()).await;
    assert_eq!(
        (status.as_u16(), &body["error"]),
        (400, &json!("invalid_client"))
    );
    mock.enable_client();
    assert_eq!(send(&mock, ask()).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn pages_of_conversations_end_with_an_absent_list() {
    let mock = MockGenesys::builder().conversations(103).build();
    let token = token(&mock).await;
    let ask = |paging: Value| {
        let body = json!({ "interval": mock.interval(), "paging": paging });
        send(&mock, post(&mock, QUERY, &token, &body))
    };
    let mut ids = std::collections::HashSet::new();
    let mut sizes = Vec::new();
    for number in 1..=4 {
        let (status, _, body) = ask(json!({ "pageSize": 50, "pageNumber": number })).await;
        assert_eq!(status, 200);
        assert_eq!(body["totalHits"], 103);
        let page = body
            .get("conversations")
            .map(|page| page.as_array().unwrap());
        for one in page.into_iter().flatten() {
            assert_eq!(one["conversationId"].as_str().unwrap().len(), 36);
            assert!(one["conversationStart"].as_str() < one["conversationEnd"].as_str());
            let media = &one["participants"][1]["sessions"][0]["mediaType"];
            assert!(media.is_string());
            ids.insert(one["conversationId"].to_string());
        }
        sizes.push(page.map(Vec::len));
    }
    assert_eq!(sizes, [Some(50), Some(50), Some(3), None]);
    assert_eq!(ids.len(), 103);
    let page = ask(json!({})).await.2["conversations"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(page, 25);
    for wrong in [
        json!({ "pageSize": 101 }),
        json!({ "pageSize": 0 }),
        json!({ "pageNumber": -1 }),
    ] {
        let (status, _, body) = ask(wrong).await;
        assert_eq!(
            (status.as_u16(), &body["code"]),
            (400, &json!("bad.request"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_needs_an_interval_and_keeps_to_it() {
    let mock = MockGenesys::builder().conversations(70).build();
    let token = token(&mock).await;
    let ask = |body: Value| send(&mock, post(&mock, QUERY, &token, &body));
    for wrong in [
        json!({}),
        json!({ "interval": "today" }),
        json!({ "interval": 5 }),
    ] {
        assert_eq!(ask(wrong).await.0, 400);
    }
    let day = "2026-01-06T00:00:00Z/2026-01-07T00:00:00Z";
    let (_, _, up) = ask(json!({ "interval": day })).await;
    let (_, _, down) = ask(json!({ "interval": day, "order": "desc" })).await;
    assert_eq!(up["totalHits"], 10);
    assert_eq!(up["conversations"][0], down["conversations"][9]);
    for one in up["conversations"].as_array().unwrap() {
        assert!(
            one["conversationStart"]
                .as_str()
                .unwrap()
                .starts_with("2026-01-06T")
        );
    }
    let (status, _, _) = {
        let mut request = post(&mock, QUERY, &token, &json!({ "interval": day }));
        let text = header::HeaderValue::from_static("text/plain");
        request.headers_mut().insert(header::CONTENT_TYPE, text);
        send(&mock, request).await
    };
    assert_eq!(status, 415);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_fulfilled_at_the_third_poll_and_read_by_cursor() {
    let mock = MockGenesys::builder().conversations(25).build();
    let token = token(&mock).await;
    let jobs = "/api/v2/analytics/conversations/details/jobs";
    let body = json!({ "interval": mock.interval() });
    let (status, _, body) = send(&mock, post(&mock, jobs, &token, &body)).await;
    assert_eq!(status, 202);
    let job = format!("{jobs}/{}", body["jobId"].as_str().unwrap());
    assert_eq!(get(&mock, &format!("{job}/results"), &token).await.0, 400);
    let mut states = Vec::new();
    for _ in 0..4 {
        states.push(
            get(&mock, &job, &token).await.2["state"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(states, ["QUEUED", "PENDING", "FULFILLED", "FULFILLED"]);
    let (mut read, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&mock, &format!("{job}/results?pageSize=10{cursor}"), &token)
            .await
            .2;
        read.push(page["conversations"].as_array().unwrap().len());
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(read, [10, 10, 5]);
    assert_eq!(
        get(&mock, &format!("{job}/results?cursor=x"), &token)
            .await
            .0,
        400
    );
    assert_eq!(get(&mock, &format!("{jobs}/nonsense"), &token).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn users_are_paged_with_relative_uris() {
    let mock = MockGenesys::builder().users(7).build();
    let token = token(&mock).await;
    let mut next = Some("/api/v2/users?pageSize=3".to_owned());
    let mut names = Vec::new();
    while let Some(path) = next {
        let (_, _, page) = get(&mock, &path, &token).await;
        assert_eq!((&page["total"], &page["pageCount"]), (&json!(7), &json!(3)));
        for user in page["entities"].as_array().unwrap() {
            names.push(user["name"].as_str().unwrap().to_owned());
        }
        next = page["nextUri"].as_str().map(str::to_owned);
    }
    assert_eq!(names.len(), 7);
    assert_eq!(names[6], "User 7");
    assert_eq!(
        get(&mock, "/api/v2/users?pageSize=501", &token).await.0,
        400
    );
    assert_eq!(mock.count(USERS), 4);
}

#[tokio::test(start_paused = true)]
async fn created_users_are_those_whose_request_was_executed() {
    let mock = MockGenesys::builder().users(0).build();
    let token = token(&mock).await;
    let create = || {
        let user = json!({ "name": "Ada", "email": "ada@example.com" });
        send(&mock, post(&mock, "/api/v2/users", &token, &user))
    };
    mock.on(CREATE_USER).first(1).reply_503();
    assert_eq!(create().await.0, 503);
    let (status, _, user) = create().await;
    assert_eq!(status, 200);
    assert_eq!((mock.count(CREATE_USER), mock.created_users()), (2, 1));
    let path = user["selfUri"].as_str().unwrap();
    let mut change = post(&mock, path, &token, &json!({ "name": "Grace" }));
    *change.method_mut() = Method::PATCH;
    assert_eq!(send(&mock, change).await.2["version"], 2);
    assert_eq!(get(&mock, path, &token).await.2["name"], "Grace");
    assert_eq!(
        send(&mock, api(&mock, Method::DELETE, path, &token))
            .await
            .0,
        200
    );
    assert_eq!(get(&mock, path, &token).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_told_in_the_api_s_own_words() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let (status, headers, body) = get(&mock, "/api/v2/nonsense", &token).await;
    assert_eq!((status.as_u16(), &body["status"]), (404, &json!(404)));
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    let (status, headers, _) = send(&mock, api(&mock, Method::PUT, "/api/v2/users", &token)).await;
    assert_eq!(
        (status.as_u16(), &headers[header::ALLOW]),
        (405, &"GET, POST".parse().unwrap())
    );
    assert_eq!(get(&mock, "/api/v2/users/me", &token).await.0, 400);
    assert_eq!(mock.count(USERS_ME), 1);
    let (_, _, me) = get(&mock, "/api/v2/tokens/me", &token).await;
    assert_eq!(me["OAuthClient"]["id"], "client-id");
    assert_eq!(
        send(
            &mock,
            api(&mock, Method::DELETE, "/api/v2/tokens/me", &token)
        )
        .await
        .0,
        200
    );
    assert_eq!(get(&mock, "/api/v2/tokens/me", &token).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn held_requests_are_judged_when_they_are_released() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let held = mock.hold(USERS);
    let storm = join_all((0..50).map(|_| get(&mock, "/api/v2/users", &token)));
    let control = async {
        mock.wait_for(USERS, 50).await;
        assert_eq!(held.waiting(), 50);
        assert_eq!(
            get(&mock, "/api/v2/tokens/me", &token).await.0,
            200,
            "another route"
        );
        mock.revoke(&token);
        held.release();
    };
    let (answers, ()) = tokio::join!(storm, control);
    assert!(answers.iter().all(|(status, _, _)| *status == 401));
    assert_eq!(
        get(&mock, "/api/v2/users", &token).await.0,
        401,
        "not held any more"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_and_silent_answers_go_by_the_clock() {
    let mock = MockGenesys::builder()
        .latency(Duration::from_millis(20))
        .build();
    let token = token(&mock).await;
    mock.on(USERS)
        .nth(1)
        .delay(Duration::from_secs(3))
        .reply_503();
    mock.on(USERS).nth(2).never_answers();
    let begin = Instant::now();
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 503);
    assert_eq!(begin.elapsed(), Duration::from_millis(3020));
    let hour = Duration::from_secs(3600);
    let silence = tokio::time::timeout(hour, get(&mock, "/api/v2/users", &token)).await;
    assert!(silence.is_err());
    assert_eq!(mock.requests().last().unwrap().status(), None);
}

#[tokio::test(start_paused = true)]
async fn broken_answers_break_as_on_a_wire() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(USERS).nth(1).reset();
    mock.on(USERS).nth(2).truncated_body();
    mock.on(USERS).nth(3).endless_body();
    let ask = || {
        mock.service()
            .oneshot(api(&mock, Method::GET, "/api/v2/users", &token))
    };
    let error = ask().await.unwrap_err();
    assert_eq!(error.kind(), MockErrorKind::Reset);
    let source = std::error::Error::source(&error).unwrap();
    let source = source.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionReset);

    let mut body = ask().await.unwrap().into_body();
    assert!(
        !body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .is_empty()
    );
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), MockErrorKind::Truncated);

    let endless = ask().await.unwrap();
    assert!(!endless.headers().contains_key(header::CONTENT_LENGTH));
    let mut body = endless.into_body();
    let mut read = 0;
    while read < 1 << 20 {
        read += body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .len();
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_leaves_the_body_unread() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(CREATE_USER).once().early(StatusCode::UNAUTHORIZED);
    let user = json!({ "name": "Ada", "email": "ada@example.com" });
    let create = || send(&mock, post(&mock, "/api/v2/users", &token, &user));
    let (status, _, body) = create().await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (401, &json!("bad.credentials"))
    );
    assert_eq!(create().await.0, 200);
    let requests = mock.requests_at(CREATE_USER);
    let bodies: Vec<_> = requests
        .iter()
        .map(|one| (one.body().len(), one.body_complete()))
        .collect();
    assert_eq!(bodies, [(0, false), (user.to_string().len(), true)]);
    assert_eq!(requests[1].body(), user.to_string().as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_request_body_that_fails_is_recorded_as_far_as_it_came() {
    let mock = MockGenesys::new();
    let frames = [
        Ok(http_body::Frame::data(Bytes::from("half"))),
        Err(std::io::Error::other("cut")),
    ];
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::post(mock.region().token_url()).body(body).unwrap();
    let error = mock.service().oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), MockErrorKind::RequestBody);
    let request = mock.requests().remove(0);
    assert_eq!(
        (&request.body()[..], request.body_complete()),
        (&b"half"[..], false)
    );
}

#[tokio::test(start_paused = true)]
async fn counts_outlast_the_requests_that_are_kept() {
    let mock = MockGenesys::builder().keep_requests(2).build();
    let token = mock.mint_token();
    let begin = Instant::now();
    for page in 1..=5 {
        get(&mock, &format!("/api/v2/users?pageNumber={page}"), &token).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(
        (mock.count(USERS), mock.count(ANY), mock.api_calls()),
        (5, 5, 5)
    );
    let kept = mock.requests();
    let queries: Vec<_> = kept.iter().map(|one| one.uri().query().unwrap()).collect();
    assert_eq!(queries, ["pageNumber=4", "pageNumber=5"]);
    assert_eq!(kept[0].arrived() - begin, Duration::from_secs(3));
    assert_eq!(kept[0].authority(), Some("api.mypurecloud.com"));
    assert_eq!(kept[0].status(), Some(StatusCode::OK));
}

#[tokio::test(start_paused = true)]
async fn path_prefixes_of_a_gateway_are_part_of_the_place() {
    let region =
        tower_genesys::Region::custom("https://gw.example/auth", "https://gw.example/gc").unwrap();
    let mock = MockGenesys::builder().region(region).build();
    let token = token(&mock).await;
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 200);
    for path in ["/oauth/token", "/api/v2/users"] {
        let mut request = api(&mock, Method::POST, "/x", &token);
        *request.uri_mut() = path.parse().unwrap();
        assert_eq!(send(&mock, request).await.0, 404);
    }
    assert_eq!(
        (mock.token_posts(), mock.api_calls(), mock.count(ANY)),
        (1, 1, 4)
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_tokens() {
    let build = |seed| MockGenesys::builder().seed(seed).build();
    assert_eq!(build(7).mint_token(), build(7).mint_token());
    assert_ne!(build(7).mint_token(), build(8).mint_token());
    assert_eq!(build(7).mint_token().len(), 86);
}

#[tokio::test(start_paused = true)]
async fn scripted_answers_say_what_they_were_told_to() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let route = Route::new(Method::GET, "/api/v2/x/{id}/*");
    mock.on(route.clone())
        .nth(1)
        .reply_403("not.authorized", "No.");
    mock.on(route.clone())
        .nth(2)
        .reply_html(StatusCode::BAD_GATEWAY);
    mock.on(route.clone())
        .nth(3)
        .reply_429_without_retry_after();
    let mut headers = HeaderMap::new();
    headers.insert("x-own", "yes".parse().unwrap());
    mock.on(route.clone())
        .nth(4)
        .reply(StatusCode::ACCEPTED, headers, "[1]");
    mock.on(route.clone())
        .nth(5)
        .reply_401_authentication_required();
    mock.on(route).nth(6).reply_status(StatusCode::NO_CONTENT);
    let ask = || get(&mock, "/api/v2/x/1/y", &token);
    let (status, _, body) = ask().await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (403, &json!("not.authorized"))
    );
    let (status, headers, _) = ask().await;
    assert_eq!(status, 502);
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (429, &json!("too.many.requests"))
    );
    assert!(!headers.contains_key(header::RETRY_AFTER));
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status.as_u16(), &headers["x-own"], body),
        (202, &"yes".parse().unwrap(), json!([1]))
    );
    assert_eq!(ask().await.2["code"], "authentication.required");
    let none = mock
        .service()
        .oneshot(api(&mock, Method::GET, "/api/v2/x/1/y", &token));
    let none = none.await.unwrap();
    assert_eq!(none.status(), 204);
    assert!(!none.headers().contains_key(header::CONTENT_LENGTH));
}

#[tokio::test(start_paused = true)]
async fn debug_shows_neither_token_nor_secret() {
    let mock = MockGenesys::builder().client("id", "s3cret-value").build();
    let token = token(&mock).await;
    let request = api(&mock, Method::GET, "/api/v2/users", &token);
    let future = mock.service().oneshot(request);
    let held = mock.hold(ANY);
    let script = mock
        .on(ANY)
        .reply_token_json(format!("{{\"access_token\":\"{token}\"}}"));
    let all = format!(
        "{mock:?} {:?} {:?} {held:?} {script:?} {:?}",
        MockGenesys::builder().client("id", "s3cret-value"),
        mock.requests(),
        mock.service(),
    );
    drop(held);
    let response = future.await.unwrap();
    let last = mock.requests().pop().unwrap();
    let all = format!("{all} {response:?} {last:?} {:?}", last.headers());
    let basic = mock.requests()[0].headers()[header::AUTHORIZATION]
        .to_str()
        .unwrap()
        .to_owned();
    for secret in [&*token, "s3cret-value", &basic[6..]] {
        assert!(!all.contains(secret), "{all}");
    }
    assert_eq!(mock.requests()[1].bearer(), Some(&*token));
}
