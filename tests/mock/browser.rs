//! Requests from a page of another origin, as the JavaScript SDK makes them in
//! a browser.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use tower::ServiceExt;
use tower_genesys::testing::{ANY, ANY_API, MockGenesys, USERS};

use crate::ask::{api, send, token};

const ORIGIN: &str = "https://app.example";

fn preflight(uri: http::Uri) -> Request<Full<Bytes>> {
    Request::options(uri)
        .header(header::ORIGIN, ORIGIN)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization,content-type",
        )
        .body(Full::default())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_preflight_needs_no_token_and_is_neither_counted_nor_scripted() {
    let mock = MockGenesys::new();
    mock.on(ANY).reply_503();
    for uri in [
        mock.region().token_url(),
        mock.region().api("/api/v2/users").unwrap(),
    ] {
        let response = mock.service().oneshot(preflight(uri)).await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let headers = response.headers();
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN);
        let allowed = &headers[header::ACCESS_CONTROL_ALLOW_HEADERS];
        assert_eq!(allowed, "authorization,content-type");
        let methods = headers[header::ACCESS_CONTROL_ALLOW_METHODS]
            .to_str()
            .unwrap();
        assert!(
            methods.contains("GET") && methods.contains("PATCH"),
            "{methods}"
        );
    }
    assert_eq!((mock.count(ANY), mock.requests().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn every_response_can_be_read_by_the_page_that_asked() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(USERS)
        .nth(2)
        .reply_429(std::time::Duration::from_secs(3));
    for expected in [200, 429, 200] {
        let mut request = api(&mock, Method::GET, "/api/v2/users", &token);
        request
            .headers_mut()
            .insert(header::ORIGIN, ORIGIN.parse().unwrap());
        let (status, headers, _) = send(&mock, request).await;
        assert_eq!(status, expected);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], ORIGIN);
        let exposed = headers[header::ACCESS_CONTROL_EXPOSE_HEADERS]
            .to_str()
            .unwrap();
        assert!(exposed.contains("retry-after"), "{exposed}");
    }
    // Without an `Origin` header, the response has no CORS headers.
    let (_, headers, _) = send(&mock, api(&mock, Method::GET, "/api/v2/users", &token)).await;
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    // `OPTIONS` without the headers of a preflight is an ordinary request.
    let (status, headers, _) =
        send(&mock, api(&mock, Method::OPTIONS, "/api/v2/users", &token)).await;
    assert_eq!(
        (status.as_u16(), &headers[header::ALLOW]),
        (405, &"GET, POST".parse().unwrap())
    );
    assert_eq!(mock.count(ANY_API), 5);
}
