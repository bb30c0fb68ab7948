use http::{Request, Uri, uri::PathAndQuery};
use tonic::{Status, body::Body, client::Grpc, codec::Codec, transport::Channel};
use tower::{Layer, ServiceBuilder, util::MapRequest};
use tower_genesys::{CallOptions, GenesysLayer, GenesysService, Org, ReplayBody};

/// A channel that accepts the bodies of the layers. The channel itself takes
/// only one type of body.
type AnyBody = MapRequest<Channel, fn(Request<ReplayBody<Body>>) -> Request<Body>>;

pub(crate) type Stack = GenesysService<AnyBody>;

pub(crate) fn client(org: &Org, channel: Channel, origin: Uri) -> Grpc<Stack> {
    let to_body: fn(Request<ReplayBody<Body>>) -> _ = |request| request.map(Body::new);
    let channel = ServiceBuilder::new().map_request(to_body).service(channel);
    let stack = GenesysLayer::new(org).layer(channel);
    // With its origin, since a token is never sent to a URI without a host. A
    // generated client has it, too: `EchoClient::with_origin(stack, origin)`.
    Grpc::with_origin(stack, origin)
}

/// Calls a method, as a generated client does.
pub(crate) async fn unary<C>(
    client: &mut Grpc<Stack>,
    method: &'static str,
    message: C::Encode,
    codec: C,
) -> Result<C::Decode, Status>
where
    C: Codec<Encode: Sync, Decode: Sync>,
{
    let mut request = tonic::Request::new(message);
    // Every call is a POST. This one may safely be executed twice.
    let options = CallOptions::new().with_repeatable(true);
    request.extensions_mut().insert(options);
    let ready = client.ready().await;
    ready.map_err(Status::from_error)?;
    let method = PathAndQuery::from_static(method);
    Ok(client.unary(request, method, codec).await?.into_inner())
}
