//! A gRPC service behind the tokens of Genesys Cloud, over tonic's channel.
//!
//! ```text
//! cargo run -p tonic_channel
//! ```
//!
//! A program needs `client.rs`. `echo.rs` is the service, and `text.rs` its
//! codec.

#[path = "../client.rs"]
mod client;
mod echo;
mod text;

use http::Uri;
use tonic::transport::Channel;
use tower_genesys::{BoxError, Credentials, Org, ReplayBody, testing::MockGenesys};

use crate::{echo::Echo, text::Text};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let echo = Echo::default();
    let origin: Uri = echo.start().await?.parse()?;
    let channel = Channel::builder(origin.clone()).connect().await?;

    // Tokens come from the login host, which does not speak gRPC. So they need
    // another client than the channel, here the mock.
    let mock = MockGenesys::new();
    let org = Org::builder(mock.region())
        .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
        .allow_loopback() // in earnest: `origins(Origins::of_host("grpc.example")?)`
        .build::<ReplayBody<tonic::body::Body>>(mock.service())?;
    let mut client = client::client(&org, channel, origin);

    for (method, sends) in [("/echo.Echo/Refuse", 2), ("/echo.Echo/Say", 3)] {
        let message = "hello".to_owned();
        let reply = client::unary(&mut client, method, message, Text).await?;
        assert_eq!((reply.as_str(), echo.seen().len()), ("hello", sends));
    }
    // The 401 to the first call has cost a token request and a resend, and the
    // caller did not notice.
    let seen = echo.seen();
    assert!(seen.iter().all(|value| value.starts_with("Bearer ")));
    assert!(seen[0] != seen[1] && seen[1] == seen[2]);
    assert_eq!(mock.token_posts(), 2);
    println!("two calls, one of them over a refused token: 3 sends, 2 tokens");
    Ok(())
}
