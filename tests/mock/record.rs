//! What the mock counts and records of its requests.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_genesys::testing::{ANY, MockErrorKind, MockGenesys, USERS};

use crate::ask::{api, get, send, token};

#[tokio::test(start_paused = true)]
async fn a_request_body_that_fails_is_recorded_up_to_the_failure() {
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
async fn counts_include_requests_that_are_no_longer_kept() {
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
async fn path_prefixes_of_a_gateway_are_part_of_its_urls() {
    let region =
        tower_genesys::Region::custom("https://gw.example/auth", "https://gw.example/gc").unwrap();
    let mock = MockGenesys::builder().region(region).build();
    let token = token(&mock).await;
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 200);
    for path in ["/oauth/token", "/api/v2/users"] {
        let mut request = api(&mock, Method::POST, "/x", &token);
        *request.uri_mut() = format!("https://gw.example{path}").parse().unwrap();
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
