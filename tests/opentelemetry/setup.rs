use http::{Request, Response};
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
use tower_genesys::{
    GenesysLayer, Org, ReplayBody, RetryPolicy, SpanLayer, genesys,
    metrics::Metrics,
    retry::Backoff,
    testing::{MockBody, MockGenesys},
};
use tracing::subscriber::DefaultGuard;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

pub(crate) use crate::mock_org::Body;
use crate::mock_org::{self, org_of};

type Stack = BoxCloneSyncService<Request<Body>, Response<MockBody>, BoxError>;

/// A mock, a stack with spans around it, and the exported spans.
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) stack: Stack,
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    _subscriber: DefaultGuard,
}

impl Setup {
    /// Subscribes this thread until the setup is dropped.
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        let subscriber = tracing::subscriber::set_default(subscriber);
        global::set_text_map_propagator(TraceContextPropagator::new());
        let mock = MockGenesys::new();
        let org = org_of(&mock);
        Self {
            stack: stack(&mock, &org),
            mock,
            org,
            exporter,
            provider,
            _subscriber: subscriber,
        }
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<MockBody>, BoxError> {
        self.stack.ready().await?.call(request).await
    }

    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        mock_org::get(&self.org, path)
    }

    /// The spans exported so far, in the order of their start.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.provider.force_flush().unwrap();
        let mut spans = self.exporter.get_finished_spans().unwrap();
        spans.sort_by_key(|span| span.start_time);
        spans
    }
}

/// The stack of the guide: spans, histograms, and a `traceparent` for each
/// attempt.
fn stack(mock: &MockGenesys, org: &Org) -> Stack {
    let policy = RetryPolicy::new().with_backoff(Backoff::new().with_seed(7));
    let templates = genesys::templates();
    let observed = |layer: SpanLayer| {
        let layer = layer.with_templates(templates.clone());
        layer.with_observer(Metrics)
    };
    let client = ServiceBuilder::new()
        .layer(observed(SpanLayer::attempts()))
        .map_request(|mut request: Request<ReplayBody<Body>>| {
            let context = tracing::Span::current().context();
            global::get_text_map_propagator(|propagator| {
                propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
            });
            request
        })
        .service(mock.service());
    let stack = ServiceBuilder::new()
        .layer(observed(SpanLayer::calls()))
        .layer(GenesysLayer::new(org).map_retry(|retry| retry.with_policy(policy)))
        .service(client);
    BoxCloneSyncService::new(stack)
}

/// The value of an attribute, as text.
pub(crate) fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key.as_str() == name);
    found.map(|found| found.value.to_string())
}

pub(crate) fn named<'a>(spans: &'a [SpanData], name: &str) -> Vec<&'a SpanData> {
    spans.iter().filter(|span| span.name == name).collect()
}
