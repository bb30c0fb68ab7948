use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use reqwest::{
    Body,
    multipart::{Form, Part},
};
use tower_genesys::{replay::Unreplayed, testing::CREATE_USER};

use crate::setup::setup;

/// A body of unknown length, in frames of a thousand bytes each.
fn stream_of(frames: usize) -> Body {
    let chunks = (0..frames).map(|n| Ok::<_, std::io::Error>(Bytes::from(vec![n as u8; 1000])));
    Body::wrap_stream(stream::iter(chunks))
}

async fn upload(
    frames: usize,
) -> (
    Vec<tower_genesys::testing::Recorded>,
    StatusCode,
    Option<Unreplayed>,
) {
    let setup = setup().await;
    setup.mock.on(CREATE_USER).nth(1).revoke_token();
    let request = setup.client.post(setup.url("/api/v2/users"));
    let request = request.body(stream_of(frames)).build().expect("a request");
    let response = setup.genesys.execute(request).await.expect("no error");
    let unreplayed = response.extensions().get::<Unreplayed>().copied();
    (
        setup.mock.requests_at(CREATE_USER),
        response.status(),
        unreplayed,
    )
}

#[tokio::test]
async fn a_stream_within_the_cap_is_replayed_byte_for_byte() {
    let (recorded, status, _) = upload(60).await;
    assert_eq!((recorded.len(), status), (2, StatusCode::BAD_REQUEST));
    let expected: Vec<u8> = (0..60_u8).flat_map(|n| vec![n; 1000]).collect();
    for sent in &recorded {
        assert!(sent.body() == &expected[..], "byte for byte");
        assert_eq!(
            sent.headers()["transfer-encoding"],
            "chunked",
            "framed in the same way"
        );
    }
}

#[tokio::test]
async fn two_hundred_kilobytes_of_multipart_are_replayed_after_a_401() {
    let setup = setup().await;
    setup.mock.on(CREATE_USER).nth(1).revoke_token();
    let form = Form::new().text("name", "prompt").part(
        "file",
        Part::bytes(vec![7; 200_000]).file_name("prompt.wav"),
    );
    let request = setup.client.post(setup.url("/api/v2/users"));
    let request = request.multipart(form).build().expect("a request");
    let response = setup.genesys.execute(request).await.expect("no error");
    // The mock rejects the form, and not the token.
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let recorded = setup.mock.requests_at(CREATE_USER);
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0].body(), recorded[1].body());
    for sent in &recorded {
        let length = sent.body().len();
        assert!(length > 200_000);
        assert_eq!(sent.headers()["content-length"], length.to_string());
    }
}

#[tokio::test]
async fn a_stream_over_the_cap_is_sent_once_and_whole() {
    let (recorded, status, unreplayed) = upload(100).await;
    assert_eq!((recorded.len(), status), (1, StatusCode::UNAUTHORIZED));
    assert_eq!(unreplayed, Some(Unreplayed::BodyGone));
    assert_eq!(recorded[0].body().len(), 100_000);
}

#[tokio::test]
async fn a_stream_that_fails_is_never_resent() {
    let setup = setup().await;
    setup.org.tokens().warm_up().await.expect("a token");
    let broken = [
        Ok(Bytes::from("half")),
        Err(std::io::Error::other("the disk is gone")),
    ];
    let body = Body::wrap_stream(stream::iter(broken));
    let request = setup.client.put(setup.url("/api/v2/users")).body(body);
    let request = request.build().expect("a request");
    let error = setup
        .genesys
        .execute(request)
        .await
        .expect_err("the body fails");
    let cause = tower_genesys::replay::ReplayBodyError::find(&*error);
    assert!(cause.is_some(), "{error:?}");
    assert_eq!(setup.sends(), 1);
}
