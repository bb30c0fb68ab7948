//! Sends one request.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{BoxError, ServiceExt};

fn main() -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let uri = std::env::args().nth(1).unwrap_or_default();
        let response = client
            .oneshot(Request::get(uri).body(Full::default())?)
            .await?;
        println!("{}", response.status());
        Ok(())
    })
}
