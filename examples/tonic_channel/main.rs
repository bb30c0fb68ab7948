//! A gRPC service behind the tokens of Genesys Cloud, over tonic's channel.
//!
//! ```text
//! cargo run --example tonic_channel
//! ```
//!
//! A generated client takes the stack as `Grpc` does here: `EchoClient::with_origin(stack, origin)`.

mod echo;

use http::{Request, Uri, uri::PathAndQuery};
use tonic::{body::Body, client::Grpc, transport::Channel};
use tower::ServiceBuilder;
use tower_genesys::{
    BoxError, CallOptions, Credentials, GenesysLayer, Org, ReplayBody, testing::MockGenesys,
};

use crate::echo::{Echo, Text};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let echo = Echo::default();
    let origin: Uri = echo.start().await?.parse()?;
    let channel = Channel::builder(origin.clone()).connect().await?;

    // Tokens come by HTTP/1.1 or 2 from the login host, so by another client than the channel:
    // here the mock itself.
    let mock = MockGenesys::new();
    let org = Org::builder(mock.region())
        .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
        .allow_loopback() // the service's host, with `origins(Origins::of_host("grpc.example"))`
        .build::<ReplayBody<Body>, _>(mock.service())?;

    let stack = ServiceBuilder::new()
        // Every gRPC call is a POST. Tell the calls that may be executed twice.
        .map_request(|mut request: Request<Body>| {
            let options = CallOptions::new().repeatable(true);
            request.extensions_mut().insert(options);
            request
        })
        .layer(GenesysLayer::new(&org))
        // The channel takes one type of body only.
        .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::new))
        .service(channel);

    // With its origin: a token goes to no URI that names no host.
    let mut client = Grpc::with_origin(stack, origin);
    for (method, sends) in [("/echo.Echo/Refuse", 2), ("/echo.Echo/Say", 3)] {
        client.ready().await?;
        let message = tonic::Request::new("hello".to_owned());
        let path = PathAndQuery::from_static(method);
        let reply = client.unary(message, path, Text).await?.into_inner();
        assert_eq!((reply.as_str(), echo.seen().len()), ("hello", sends));
    }
    // The 401 to the first call has cost a token and a resend, and nobody anything.
    let seen = echo.seen();
    assert!(seen.iter().all(|value| value.starts_with("Bearer ")));
    assert!(seen[0] != seen[1] && seen[1] == seen[2]);
    assert_eq!(mock.token_posts(), 2);
    println!("two calls, one of them over a refused token: 3 sends, 2 tokens");
    Ok(())
}
