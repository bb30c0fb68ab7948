use http::{Request, Uri, uri::PathAndQuery};
use tonic::{
    Code, Status,
    body::Body,
    client::{Grpc, GrpcService},
    transport::Channel,
};
use tower::ServiceBuilder;
use tower_genesys::{
    BearerLayer, Credentials, Org, RefreshLayer, ReplayBody, TokenError, bearer::OriginError,
    replay::CloneBody, testing::MockGenesys, token::TokenErrorKind,
};

use crate::{
    client::{client, unary},
    echo::Echo,
    text::Text,
};

struct Setup {
    mock: MockGenesys,
    org: Org,
    echo: Echo,
    origin: Uri,
    channel: Channel,
}

async fn setup() -> Setup {
    let mock = MockGenesys::new();
    let credentials = Credentials::new(mock.client_id(), mock.client_secret());
    let org = Org::builder(mock.region())
        .credentials(credentials.expect("well-formed"))
        .allow_loopback()
        .build::<ReplayBody<Body>>(mock.service())
        .expect("the region is https");
    let echo = Echo::default();
    let url = echo.start().await.expect("a loopback port is free");
    let origin: Uri = url.parse().expect("a URL");
    let channel = Channel::builder(origin.clone()).connect_lazy();
    Setup {
        mock,
        org,
        echo,
        origin,
        channel,
    }
}

async fn say<S>(mut client: Grpc<S>, method: &'static str, text: &str) -> Result<String, Status>
where
    S: GrpcService<Body>,
    S::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<tower_genesys::BoxError>,
{
    let ready = client.ready().await;
    ready.map_err(|error| Status::from_error(error.into()))?;
    let message = tonic::Request::new(text.to_owned());
    let reply = client
        .unary(message, PathAndQuery::from_static(method), Text)
        .await?;
    Ok(reply.into_inner())
}

fn back(request: Request<ReplayBody<Body>>) -> Request<Body> {
    request.map(Body::new)
}

#[tokio::test]
async fn a_bearer_layer_alone_signs_a_call_and_leaves_the_body_its_type() {
    let setup = setup().await;
    let bearer = BearerLayer::per_request(setup.org.clone());
    let stack = ServiceBuilder::new().layer(bearer).service(setup.channel);
    let client = Grpc::with_origin(stack, setup.origin);
    assert_eq!(
        say(client, "/echo.Echo/Say", "hello")
            .await
            .expect("no error"),
        "hello"
    );
    let token = setup.org.tokens().token().await.expect("a token");
    assert_eq!(setup.echo.seen(), [format!("Bearer {}", token.expose())]);
    assert_eq!(setup.mock.token_posts(), 1);
}

#[tokio::test]
async fn a_401_of_http_is_replayed_with_the_next_token_and_the_same_message() {
    let setup = setup().await;
    let mut client = client(&setup.org, setup.channel, setup.origin);
    let text = "x".repeat(50_000);
    let reply = unary(&mut client, "/echo.Echo/Refuse", text.clone(), Text).await;
    assert_eq!(reply.expect("no error"), text);
    let seen = setup.echo.seen();
    assert_eq!((seen.len(), setup.mock.token_posts()), (2, 2));
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn an_unauthenticated_of_grpc_is_no_401_and_renews_nothing() {
    let setup = setup().await;
    let mut client = client(&setup.org, setup.channel, setup.origin);
    let status = unary(&mut client, "/echo.Echo/Deny", "hello".to_owned(), Text).await;
    let status = status.expect_err("it is denied");
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!((setup.echo.seen().len(), setup.mock.token_posts()), (1, 1));
}

#[tokio::test]
async fn the_extensions_of_a_message_name_its_organisation() {
    let (one, other) = (setup().await, setup().await);
    let mut client = client(&one.org, one.channel, one.origin);
    client.ready().await.expect("it is ready");
    let mut message = tonic::Request::new("hello".to_owned());
    message.extensions_mut().insert(other.org.clone());
    let method = PathAndQuery::from_static("/echo.Echo/Say");
    client.unary(message, method, Text).await.expect("no error");
    assert_eq!((one.mock.token_posts(), other.mock.token_posts()), (0, 1));
}

#[tokio::test]
async fn a_client_without_its_origin_is_told_so_and_sends_nothing() {
    let setup = setup().await;
    let bearer = BearerLayer::per_request(setup.org.clone());
    let stack = ServiceBuilder::new().layer(bearer).service(setup.channel);
    let status = say(Grpc::new(stack), "/echo.Echo/Say", "hello").await;
    let status = status.expect_err("there is no host");
    assert!(OriginError::find(&status).is_some(), "{status:?}");
    assert!(status.message().contains("names no host"), "{status:?}");
    assert_eq!((setup.echo.seen().len(), setup.mock.token_posts()), (0, 0));
}

#[tokio::test]
async fn a_token_error_is_found_in_the_status() {
    let setup = setup().await;
    setup.mock.disable_client();
    let bearer = BearerLayer::per_request(setup.org.clone());
    let stack = ServiceBuilder::new().layer(bearer).service(setup.channel);
    let client = Grpc::with_origin(stack, setup.origin);
    let status = say(client, "/echo.Echo/Say", "hello")
        .await
        .expect_err("there is no token");
    let error = TokenError::find(&status).expect("it is in there");
    assert_eq!(error.kind(), TokenErrorKind::Denied);
    assert_eq!(setup.echo.seen().len(), 0);
}

#[tokio::test]
async fn refresh_and_bearer_alone_take_a_body_that_can_be_cloned() {
    fn replayable(request: Request<Body>) -> Request<ReplayBody<Body>> {
        let request = request.map(ReplayBody::new);
        assert!(request.body().try_clone().is_some());
        request
    }
    let setup = setup().await;
    let stack = ServiceBuilder::new()
        .map_request(replayable)
        .layer(RefreshLayer::new())
        .layer(BearerLayer::per_request(setup.org.clone()))
        .map_request(back)
        .service(setup.channel);
    let client = Grpc::with_origin(stack, setup.origin);
    let reply = say(client, "/echo.Echo/Refuse", "hello").await;
    assert_eq!(reply.expect("no error"), "hello");
    assert_eq!(setup.echo.seen().len(), 2);
}
