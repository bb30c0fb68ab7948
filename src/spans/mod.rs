//! Spans for calls and attempts, with OpenTelemetry's field names for HTTP
//! clients.
//!
//! [`SpanLayer::calls`](crate::SpanLayer::calls), outside of all layers,
//! creates a span for each call.
//! [`SpanLayer::attempts`](crate::SpanLayer::attempts), around the client,
//! creates a span for the send of each attempt, without its wait for a token.
//! The spans are [`tracing`] spans, so a subscriber such as
//! `tracing-opentelemetry` exports them to a collector. Without these layers in
//! the stack, calls and attempts have no spans.
//!
//! ```
//! use http::Request;
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_genesys::{
//!     Credentials, GenesysLayer, Org, SpanLayer, genesys, testing::MockGenesys,
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! // The mock replaces Genesys Cloud and your HTTP client.
//! let mock = MockGenesys::new();
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build(mock.http_client())?;
//! let templates = genesys::templates(); // the operations of the API
//! let stack = ServiceBuilder::new()
//!     .layer(SpanLayer::calls().with_templates(templates.clone()))
//!     .layer(GenesysLayer::new(&org))
//!     .layer(SpanLayer::attempts().with_templates(templates))
//!     .service(mock.service());
//!
//! let request = Request::get(org.api("/api/v2/users?pageSize=25")?);
//! let request = request.body(Full::<bytes::Bytes>::default())?;
//! assert_eq!(stack.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # What is in a span
//!
//! | field | value |
//! |---|---|
//! | `otel.name` | method and template, such as `GET /api/v2/users`; only the method if no template matches |
//! | `otel.kind` | `client` |
//! | `http.request.method` | the method; `_OTHER` for one that HTTP does not define |
//! | `server.address`, `server.port` | host and port of the URI; the port is absent if it is the scheme's default |
//! | `url.template` | the path with `{}` for each id, from [`Templates`]; absent if no template matches |
//! | `http.response.status_code` | the status of the response |
//! | `http.request.resend_count` | on an attempt: the number of the resend, from 1 on; on a call: the number of its resends |
//! | `error.type` | the status, from 400 on; for a call or attempt without a response, a word from the next table |
//! | `otel.status_code` | `ERROR` whenever `error.type` is set |
//!
//! Other subscribers see the spans under the names `genesys_call` and
//! `genesys_attempt`, at level `INFO`. No span contains a path, a query, a
//! header, a body or a token.
//!
//! | `error.type` | cause |
//! |---|---|
//! | such as `denied` | a [`TokenError`](crate::TokenError): its [kind](crate::token::TokenErrorKind::as_str) |
//! | `refused` | a layer or the client refused to send the request: its origin is not allowed, or a client setting forbids it |
//! | `request_body` | the request body failed |
//! | `response_body` | the response body broke off while [`Collect`](crate::collect) read it |
//! | such as `connection_reset` | an `io::Error`: its kind |
//! | `transport` | any other error |
//! | `dropped` | the caller dropped the future |
//!
//! A token renewal has a separate span, `token_renewal`, because all callers
//! share it. It *follows from* the span of the call that caused it;
//! OpenTelemetry shows that as a link.
//!
//! # Propagation
//!
//! Each attempt has a span, so each can carry a separate `traceparent`. Set it
//! in a layer inside of [`SpanLayer::attempts`](crate::SpanLayer::attempts),
//! where that span is the current one:
//!
//! ```text
//! let client = ServiceBuilder::new()
//!     .layer(SpanLayer::attempts())
//!     .map_request(|mut request: Request<_>| {
//!         let context = tracing::Span::current().context();
//!         opentelemetry::global::get_text_map_propagator(|propagator| {
//!             let mut headers = HeaderInjector(request.headers_mut());
//!             propagator.inject_context(&context, &mut headers);
//!         });
//!         request
//!     })
//!     .service(client);
//! ```
//!
//! `tracing_opentelemetry::OpenTelemetrySpanExt` provides `context()`, and the
//! crate `opentelemetry-http` provides `HeaderInjector`. The tests of this
//! crate run these lines.
//!
//! # Durations
//!
//! [`SpanLayer::with_observer`](crate::SpanLayer::with_observer) reports the
//! duration of each call or attempt to an observer. With the feature `metrics`,
//! [`Metrics`](crate::metrics) records it in histograms, by template and
//! status. The [guide](crate::guide::operating#dashboard) has a dashboard for
//! them.
//!
//! # Customising
//!
//! [`SpanLayer::with_templates`](crate::SpanLayer::with_templates) sets the
//! path templates. Start with those of the API,
//! [`genesys::templates`](crate::genesys::templates), and add other paths by
//! [`Templates::and`], such as those of your gateway. Without templates, spans
//! have no `url.template`.
//!
//! # Cloning
//!
//! A clone costs a reference count and a clone of the inner service.
//!
//! # Errors
//!
//! The errors of the inner service, as [`BoxError`](crate::BoxError).
//!
//! # Cancellation
//!
//! Dropping the future ends the span, with `error.type` `dropped`.

mod future;
pub(crate) mod layer;
mod observer;
mod record;
mod service;
mod templates;

pub use future::ResponseFuture;
#[cfg(feature = "metrics")]
pub(crate) use observer::method_name;
pub use observer::{CallEvent, CallObserver, Scope};
pub use service::Spanned;
pub use templates::Templates;
