//! The endpoints of the API, called with plain requests.

use http::{Method, header};
use serde_json::{Value, json};
use tower_genesys::testing::{CREATE_USER, JobEnd, MockGenesys, USERS, USERS_ME};

use crate::ask::{QUERY, api, get, post, send, token};

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
async fn a_query_requires_an_interval_and_stays_within_it() {
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
async fn a_job_that_ended_early_states_how_and_has_no_results() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let jobs = "/api/v2/analytics/conversations/details/jobs";
    let body = json!({ "interval": mock.interval() });
    let (_, _, body) = send(&mock, post(&mock, jobs, &token, &body)).await;
    let job = format!("{jobs}/{}", body["jobId"].as_str().unwrap());
    for _ in 0..3 {
        get(&mock, &job, &token).await;
    }
    assert_eq!(get(&mock, &format!("{job}/results"), &token).await.0, 200);
    for (end, state, results) in [
        (JobEnd::Failed, "FAILED", 400),
        (JobEnd::Cancelled, "CANCELLED", 400),
        (JobEnd::Expired, "EXPIRED", 404),
    ] {
        mock.end_jobs(end);
        let (_, _, status) = get(&mock, &job, &token).await;
        assert_eq!(status["state"], state);
        assert_eq!(status.get("errorMessage").is_some(), end == JobEnd::Failed);
        assert_eq!(
            get(&mock, &format!("{job}/results"), &token).await.0,
            results
        );
    }
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
async fn only_executed_requests_create_users() {
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
    let change = |body: &Value| {
        let mut request = post(&mock, path, &token, body);
        *request.method_mut() = Method::PATCH;
        send(&mock, request)
    };
    let (status, _, changed) = change(&json!({ "name": "Grace", "version": 1 })).await;
    assert_eq!((status.as_u16(), &changed["version"]), (200, &json!(2)));
    // Without the version, with a stale one, and with a malformed address.
    for (body, status, code) in [
        (json!({ "name": "Ida" }), 400, "bad.request"),
        (
            json!({ "name": "Ida", "version": 1 }),
            409,
            "general.conflict",
        ),
        (json!({ "email": "ida@", "version": 2 }), 400, "bad.request"),
    ] {
        let (got, _, answer) = change(&body).await;
        assert_eq!(
            (got.as_u16(), &answer["code"]),
            (status, &json!(code)),
            "{body}"
        );
    }
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
async fn missing_paths_methods_and_users_are_errors_in_the_shape_of_the_api() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let (status, headers, body) = get(&mock, "/api/v2/nonsense", &token).await;
    assert_eq!((status.as_u16(), &body["status"]), (404, &json!(404)));
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    let message = body["message"].as_str().expect("a text");
    assert!(message.contains("`MockGenesys::on`"), "{message}");
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
