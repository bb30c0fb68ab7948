use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::BoxError;

/// An HTTP client by which tokens can be fetched: any tower service for requests with bodies `B`
/// that can be cloned and sent between threads.
///
/// There is nothing to implement: what fits is one.
///
/// An example is at [`Saml2Bearer`](super::Saml2Bearer).
pub trait TokenClient<B>:
    Service<
        Request<B>,
        Response = Response<<Self as TokenClient<B>>::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// The body of its responses.
    type ResponseBody: Body<Data: Send, Error: Into<BoxError>> + Send;
}

impl<C, B, R> TokenClient<B> for C
where
    C: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    R: Body<Data: Send, Error: Into<BoxError>> + Send,
{
    type ResponseBody = R;
}
