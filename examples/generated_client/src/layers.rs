use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use progenitor::progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{Request, Response};
use tower::Layer;
use tower_genesys::{
    BoxError, GenesysLayer, GenesysService, Org,
    reqwest::{HttpService, ReqwestService},
};

use crate::api::Client;

/// The stack through which the generated client sends its requests.
#[derive(Clone, Debug)]
pub(crate) struct Layers(ReqwestService<GenesysService<HttpService>>);

impl Layers {
    pub(crate) fn new(org: &Org, client: HttpService) -> Self {
        Self(ReqwestService::new(GenesysLayer::new(org).layer(client)))
    }
}

/// Each operation of the generated client calls this instead of
/// `reqwest::Client::execute`.
impl ClientHooks<Layers> for Client {
    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        match self.inner().0.execute(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(into_reqwest(error).await),
        }
    }
}

/// The hook can only fail with an error of reqwest. A token error becomes its
/// cause, where `TokenError::find` finds it.
async fn into_reqwest(error: BoxError) -> reqwest::Error {
    let error = match error.downcast() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    // reqwest cannot wrap another error, so a body that ends in that error is
    // read.
    let body = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>(error)]));
    let response = http::Response::new(reqwest::Body::wrap(body));
    let read = Response::from(response).bytes().await;
    read.expect_err("the body is nothing but the error")
}
