//! Spans for calls and attempts, with OpenTelemetry's names for HTTP clients.
//!
//! [`SpanLayer::calls`](crate::SpanLayer::calls), outside of all layers, makes a span for each call.
//! [`SpanLayer::attempts`](crate::SpanLayer::attempts), around the client, makes one for each send. They
//! are spans of [`tracing`], so a subscriber such as `tracing-opentelemetry` exports them to a collector.
//! Without these layers in the stack, there are no spans of calls.
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
//! let mock = MockGenesys::new(); // stands for Genesys Cloud and for your client
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
//! | `otel.name` | method and template, such as `GET /api/v2/users`; the method alone without a template |
//! | `otel.kind` | `client` |
//! | `http.request.method` | the method; `_OTHER` for one that HTTP does not define |
//! | `server.address`, `server.port` | host and port of the URI; the port is left out if it is that of the scheme |
//! | `url.template` | the path with `{}` for each id, by [`Templates`]; absent if no template fits |
//! | `http.response.status_code` | the status of the response |
//! | `http.request.resend_count` | the number of this resend, from 1 on; for a call: the number of its resends |
//! | `error.type` | the status from 400 on; otherwise what failed, see below |
//! | `otel.status_code` | `ERROR` together with `error.type` |
//!
//! The spans are named `genesys_call` and `genesys_attempt` for other subscribers, at level `INFO`.
//! No span holds a path, a query, a header, a body or a token.
//!
//! | `error.type` | |
//! |---|---|
//! | such as `denied` | the kind of the [`TokenError`](crate::token::TokenErrorKind::as_str) |
//! | `refused` | the request was not sent: a foreign origin, or a setting of the client |
//! | `request_body` | the body of the request failed |
//! | `response_body` | the body of the response broke off while it was [collected](crate::collect) |
//! | such as `connection_reset` | the kind of the `io::Error` |
//! | `transport` | any other error |
//! | `dropped` | the caller dropped the future |
//!
//! A renewal of the token belongs to no caller, so it has a separate span, `token_renewal`. It *follows
//! from* the span of the call that caused it, which OpenTelemetry shows as a link.
//!
//! # Propagation
//!
//! Each attempt has a span, so each can have its own `traceparent`. Set it in a layer inside of
//! [`SpanLayer::attempts`](crate::SpanLayer::attempts), where that span is the current one:
//!
//! ```text
//! let client = ServiceBuilder::new()
//!     .layer(SpanLayer::attempts())
//!     .map_request(|mut request: Request<_>| {
//!         let context = tracing::Span::current().context();
//!         opentelemetry::global::get_text_map_propagator(|propagator| {
//!             propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
//!         });
//!         request
//!     })
//!     .service(client);
//! ```
//!
//! `context()` is of `tracing_opentelemetry::OpenTelemetrySpanExt`, `HeaderInjector` of
//! `opentelemetry-http`. The tests of this crate run these lines.
//!
//! # Durations
//!
//! [`SpanLayer::with_observer`](crate::SpanLayer::with_observer) reports the duration of each call or
//! attempt to an observer. With the feature `metrics`, [`Metrics`](crate::metrics) turns the durations
//! into histograms, by template and status.
//! The [guide](crate::guide::operating#dashboard) has a dashboard for them.
//!
//! # Customising
//!
//! [`SpanLayer::with_templates`](crate::SpanLayer::with_templates) takes the [`Templates`] of the API
//! ([`genesys::templates`](crate::genesys::templates)), and your additional paths, such as those of a
//! gateway. Without it, spans have no template.
//!
//! # Cloning
//!
//! A clone costs a reference count and the clone of the inner service.
//!
//! # Errors
//!
//! Those of the inner service, as [`BoxError`](crate::BoxError).
//!
//! # Cancellation
//!
//! Dropping the future ends the span, with `error.type` `dropped`.

mod error;
mod failure;
mod future;
pub(crate) mod layer;
mod observer;
mod record;
mod service;
mod templates;

pub use error::TemplateError;
pub use future::ResponseFuture;
pub use observer::{CallEvent, CallObserver, Scope};
pub use service::Spanned;
pub use templates::Templates;
