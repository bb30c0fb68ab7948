//! Details of the official definition that a client would notice if the mock
//! differed.

use std::time::Duration;

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_genesys::testing::{JobEnd, MockGenesys, Route};

use crate::ask::{QUERY, api, form, get, post, send, token};

const JOBS: &str = "/api/v2/analytics/conversations/details/jobs";

#[tokio::test(start_paused = true)]
async fn a_token_can_be_checked_by_head_too() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let probe = |token: &str| {
        let request = api(&mock, Method::HEAD, "/api/v2/tokens/me", token);
        mock.service().oneshot(request)
    };
    let good = probe(&token).await.unwrap();
    assert_eq!(good.status(), StatusCode::OK);
    assert_eq!(
        probe("stale").await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(start_paused = true)]
async fn an_interval_may_have_an_offset() {
    let mock = MockGenesys::builder().conversations(70).build();
    let token = token(&mock).await;
    let count = async |interval: &str| {
        let body = json!({ "interval": interval });
        let (status, _, body) = send(&mock, post(&mock, QUERY, &token, &body)).await;
        assert_eq!(status, 200, "{body}");
        body["totalHits"].as_u64().unwrap()
    };
    let utc = count("2026-01-06T00:00Z/2026-01-07T00:00Z").await;
    assert_eq!(utc, 10);
    assert_eq!(
        count("2026-01-06T02:00+02:00/2026-01-07T02:00+02:00").await,
        utc
    );
    // A day in another time zone overlaps two days of UTC.
    assert_eq!(
        count("2026-01-06T00:00+02:00/2026-01-07T00:00+02:00").await,
        2 * utc
    );
}

#[tokio::test(start_paused = true)]
async fn a_query_finds_by_day_and_a_job_finds_what_was_active() {
    let mock = MockGenesys::builder().conversations(700).build();
    let token = token(&mock).await;
    let found = async |interval: &str| {
        let body = json!({ "interval": interval, "paging": { "pageSize": 100 } });
        let (_, _, page) = send(&mock, post(&mock, QUERY, &token, &body)).await;
        ids(&page)
    };
    let morning = found("2026-01-06T00:00Z/2026-01-06T12:00Z").await;
    let evening = found("2026-01-06T12:00Z/2026-01-07T00:00Z").await;
    assert_eq!(morning.len(), 100);
    assert_eq!(morning, evening, "both intervals are within that day");

    let (begin, end) = ("2026-01-06T12:00:00.000Z", "2026-01-06T12:30:00.000Z");
    let (_, _, job) = {
        let body = json!({ "interval": format!("{begin}/{end}") });
        send(&mock, post(&mock, JOBS, &token, &body)).await
    };
    let job = format!("{JOBS}/{}", job["jobId"].as_str().unwrap());
    for _ in 0..3 {
        get(&mock, &job, &token).await;
    }
    let (_, _, page) = get(&mock, &format!("{job}/results"), &token).await;
    let all = page["conversations"].as_array().unwrap();
    let at = |one: &Value, which: &str| one[which].as_str().unwrap().to_owned();
    assert!(all.iter().all(|one| *at(one, "conversationStart") < *end));
    assert!(all.iter().all(|one| *at(one, "conversationEnd") > *begin));
    assert!(
        all.iter().any(|one| *at(one, "conversationStart") < *begin),
        "one began before the interval"
    );
    assert_eq!(all.len(), 3, "of 100 on that day");
}

fn ids(page: &Value) -> Vec<String> {
    let all = page["conversations"].as_array().unwrap().iter();
    all.map(|one| one["conversationId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn users_are_found_by_id_state_and_order() {
    let mock = MockGenesys::builder().users(5).build();
    let token = token(&mock).await;
    let names = async |query: &str| {
        let (status, _, page) = get(&mock, &format!("/api/v2/users{query}"), &token).await;
        assert_eq!(status, 200, "{page}");
        let users = page["entities"].as_array().unwrap().iter();
        users
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (_, _, page) = get(&mock, "/api/v2/users", &token).await;
    let id = |at: usize| page["entities"][at]["id"].as_str().unwrap();
    assert_eq!(
        names(&format!("?id={},{}", id(3), id(1))).await,
        ["User 2", "User 4"]
    );
    assert_eq!(
        names(&format!("?id={}&id={}", id(0), id(1))).await,
        ["User 1", "User 2"]
    );
    assert_eq!(
        names("?sortOrder=DESC&pageSize=2").await,
        ["User 5", "User 4"]
    );

    let path = format!("/api/v2/users/{}", id(2));
    send(&mock, api(&mock, Method::DELETE, &path, &token)).await;
    let mut change = post(
        &mock,
        &format!("/api/v2/users/{}", id(4)),
        &token,
        &json!({ "state": "inactive", "version": 1 }),
    );
    *change.method_mut() = Method::PATCH;
    assert_eq!(send(&mock, change).await.0, 200);
    assert_eq!(names("").await, ["User 1", "User 2", "User 4"]);
    assert_eq!(names("?state=deleted").await, ["User 3"]);
    assert_eq!(names("?state=inactive").await, ["User 5"]);
    assert_eq!(names("?state=any").await.len(), 5);
    assert_eq!(get(&mock, &path, &token).await.0, 404);
    assert_eq!(
        get(&mock, &format!("{path}?state=deleted"), &token).await.0,
        200
    );
    for wrong in [
        "?state=gone",
        "?sortOrder=up",
        "?pageSize=0",
        "?pageNumber=x",
    ] {
        assert_eq!(
            get(&mock, &format!("/api/v2/users{wrong}"), &token).await.0,
            400,
            "{wrong}"
        );
    }
    // Links keep the filter of the first request.
    let (_, _, first) = get(&mock, "/api/v2/users?state=any&pageSize=2", &token).await;
    let (_, _, second) = get(&mock, first["nextUri"].as_str().unwrap(), &token).await;
    assert_eq!(second["total"], 5);
}

#[tokio::test(start_paused = true)]
async fn the_user_who_is_logged_in_can_be_asked_for_by_id() {
    let mock = MockGenesys::new();
    let code = mock.issue_code("https://app.example/cb");
    let grant =
        format!("grant_type=authorization_code&code={code}&redirect_uri=https://app.example/cb");
    let (_, _, answer) = send(&mock, form(&mock, &mock.client_secret(), &grant)).await;
    let token = answer["access_token"].as_str().unwrap();
    let (status, _, me) = get(&mock, "/api/v2/users/me", token).await;
    assert_eq!(status, 200);
    let (status, _, same) = get(&mock, me["selfUri"].as_str().unwrap(), token).await;
    assert_eq!((status.as_u16(), same), (200, me));
    let (_, _, list) = get(&mock, "/api/v2/users", token).await;
    assert_eq!(list["total"], 60);
}

#[tokio::test(start_paused = true)]
async fn every_401_names_its_scheme_and_every_405_the_allowed_methods() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let route = Route::any_method("/api/v2/scripted/{n}");
    mock.on(route.clone()).nth(1).reply_401();
    mock.on(route.clone())
        .nth(2)
        .reply_401_authentication_required();
    mock.on(route.clone())
        .nth(3)
        .reply_status(StatusCode::UNAUTHORIZED);
    mock.on(route.clone())
        .nth(4)
        .early(StatusCode::UNAUTHORIZED);
    for _ in 1..=4 {
        let (status, headers, _) = get(&mock, "/api/v2/scripted/1", &token).await;
        assert_eq!(
            (status.as_u16(), &headers[header::WWW_AUTHENTICATE]),
            (401, &"Bearer".parse().unwrap())
        );
    }
    for (status, code) in [
        (405, "method.not.allowed"),
        (409, "general.conflict"),
        (413, "request.entity.too.large"),
        (415, "unsupported.media.type"),
        (423, "locked"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        mock.on(route.clone()).once().reply_status(status);
        let (got, headers, body) = get(&mock, "/api/v2/scripted/1", &token).await;
        assert_eq!((got, &body["code"]), (status, &json!(code)));
        let allowed = headers
            .get(header::ALLOW)
            .map(|allow| allow.to_str().unwrap());
        let expected = (status == 405).then_some("POST, PUT, PATCH, DELETE");
        assert_eq!(allowed, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_has_the_dates_of_the_definition() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let body = json!({ "interval": mock.interval() });
    let (_, _, job) = send(&mock, post(&mock, JOBS, &token, &body)).await;
    let job = format!("{JOBS}/{}", job["jobId"].as_str().unwrap());
    tokio::time::advance(Duration::from_secs(3600)).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(get(&mock, &job, &token).await.2);
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    let date = |status: &Value, name: &str| status[name].as_str().unwrap().to_owned();
    for status in &seen {
        assert_eq!(
            date(status, "submissionDate"),
            date(&seen[0], "submissionDate")
        );
        assert_eq!(
            date(status, "expirationDate"),
            date(&seen[0], "expirationDate")
        );
        assert!(date(status, "expirationDate") > date(status, "submissionDate"));
        let ended = status["state"] == "FULFILLED";
        assert_eq!(status.get("completionDate").is_some(), ended, "{status}");
    }
    let completed = date(&seen[2], "completionDate");
    assert!(completed > date(&seen[0], "submissionDate"));
    assert_eq!(date(&seen[3], "completionDate"), completed);
    mock.end_jobs(JobEnd::Expired);
    assert_eq!(
        date(&get(&mock, &job, &token).await.2, "completionDate"),
        completed
    );

    let (status, _, answer) = get(&mock, &format!("{JOBS}/availability"), &token).await;
    assert_eq!(status, 200);
    assert_eq!(
        date(&answer, "dataAvailabilityDate"),
        "2026-01-12T00:00:00.000Z"
    );
}

#[tokio::test(start_paused = true)]
async fn a_malformed_query_or_user_is_refused() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let interval = mock.interval();
    for body in [
        json!({ "interval": interval, "order": "up" }),
        json!({ "interval": interval, "order": 1 }),
        json!({ "interval": interval, "paging": [1, 2] }),
        json!({ "interval": interval, "paging": "all" }),
        json!({ "interval": "2026-02-30T00:00Z/2026-03-01T00:00Z" }),
    ] {
        let (status, _, answer) = send(&mock, post(&mock, QUERY, &token, &body)).await;
        assert_eq!(
            (status.as_u16(), &answer["code"]),
            (400, &json!("bad.request")),
            "{body}"
        );
    }
    let order = json!({ "interval": interval, "order": "up" });
    assert_eq!(send(&mock, post(&mock, JOBS, &token, &order)).await.0, 400);
    for email in [
        "ada",
        "@example.com",
        "ada@",
        "ada@b@c",
        "a da@example.com",
        "ada@example..com",
    ] {
        let user = json!({ "name": "Ada", "email": email });
        assert_eq!(
            send(&mock, post(&mock, "/api/v2/users", &token, &user))
                .await
                .0,
            400,
            "{email}"
        );
    }
    assert_eq!(mock.created_users(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_host_is_refused() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let mut request = api(&mock, Method::GET, "/api/v2/users", &token);
    *request.uri_mut() = "/api/v2/users".parse().unwrap();
    assert_eq!(send(&mock, request).await.0, 400);
    let mut request = api(&mock, Method::GET, "/api/v2/users", &token);
    *request.uri_mut() = "/api/v2/users".parse().unwrap();
    request
        .headers_mut()
        .insert(header::HOST, "api.mypurecloud.com".parse().unwrap());
    assert_eq!(send(&mock, request).await.0, 200);
}
