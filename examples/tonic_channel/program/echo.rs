use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
};

use http::{Request, Response, StatusCode, header};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::net::TcpListener;
use tonic::{Status, body::Body};

use crate::text::Text;

/// A gRPC server that echoes messages, and answers once with 401.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    /// The `Authorization` of each request so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }

    /// Serves on a loopback port, and returns its URL.
    pub(crate) async fn start(&self) -> io::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let echo = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let echo = echo.clone();
                let service = service_fn(move |request| echo.clone().answer(request));
                let builder = Builder::new(TokioExecutor::new()).http2_only();
                tokio::spawn(async move {
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(url)
    }

    async fn answer(
        self,
        request: Request<hyper::body::Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let bearer = request.headers().get(header::AUTHORIZATION);
        let bearer = bearer
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let first = {
            let mut seen = self.seen.lock().expect("no panic");
            seen.push(bearer.to_owned());
            seen.len() == 1
        };
        if first && request.uri().path().ends_with("/Refuse") {
            // The answer of a gateway in front of a gRPC service, which speaks
            // plain HTTP.
            let mut refused = Response::new(Body::empty());
            *refused.status_mut() = StatusCode::UNAUTHORIZED;
            return Ok(refused);
        }
        let deny = request.uri().path().ends_with("/Deny");
        let say = tower::service_fn(move |message: tonic::Request<String>| async move {
            match deny {
                true => Err(Status::unauthenticated("who are you?")),
                false => Ok(tonic::Response::new(message.into_inner())),
            }
        });
        Ok(tonic::server::Grpc::new(Text).unary(say, request).await)
    }
}
