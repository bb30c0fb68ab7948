use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::BoxError;

/// An HTTP client that can fetch tokens: any tower service for requests with
/// bodies `B` that is `Clone` and can be sent between threads.
///
/// Every such service implements it. [`Saml2Bearer`](super::Saml2Bearer) has an
/// example.
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
    /// The body of the client's responses.
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
