use std::{borrow::Cow, error::Error, io, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, Uri};
use tokio::time::Instant;
use tracing::{Span, field::Empty};

use super::{CallEvent, CallObserver, Scope, Templates, observer::method_name};
use crate::{
    BoxError, TokenError,
    call::Refused,
    collect::BodyBroken,
    error::causes,
    replay::ReplayBodyError,
    retry::{Attempt, Outcome},
};

/// The settings of a layer, for all its records.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) scope: Scope,
    pub(super) templates: Templates,
    pub(super) observer: Option<Arc<dyn CallObserver>>,
}

impl Settings {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            templates: Templates::none(),
            observer: None,
        }
    }
}

/// One call or attempt, from its request to its end. It is reported exactly
/// once, on drop at the latest.
pub(super) struct Record {
    span: Span,
    settings: Arc<Settings>,
    /// The method, or `_OTHER`.
    method: &'static str,
    /// The path template, if it was looked up and one matches.
    template: Option<Cow<'static, str>>,
    /// The time of the first poll.
    begun: Option<Instant>,
    /// Whether the end was reported.
    ended: bool,
}

impl Record {
    /// Creates the span of a request, and fills in its fields.
    pub(super) fn begin<B>(settings: &Arc<Settings>, request: &Request<B>) -> Self {
        let method = method_name(request.method());
        let span = match settings.scope {
            Scope::Call => call_span(method),
            Scope::Attempt => attempt_span(method),
        };
        let mut record = Self {
            span,
            settings: Arc::clone(settings),
            method,
            template: None,
            begun: None,
            ended: false,
        };
        // A lookup takes a microsecond, so it is skipped if neither the span
        // nor an observer uses the template.
        if !record.span.is_disabled() || settings.observer.is_some() {
            let found = settings.templates.find(request.method(), request.uri());
            record.template = found;
        }
        if !record.span.is_disabled() {
            record.describe(request);
        }
        record
    }

    pub(super) const fn span(&self) -> &Span {
        &self.span
    }

    /// Notes the first poll, where the duration starts.
    pub(super) fn poll(&mut self) {
        if self.begun.is_none() {
            self.begun = Some(Instant::now());
        }
    }

    /// Records the fields that the request determines.
    fn describe<B>(&self, request: &Request<B>) {
        let span = &self.span;
        match &self.template {
            Some(template) => {
                span.record(
                    "otel.name",
                    format_args!("{} {template}", self.method).to_string(),
                );
                span.record("url.template", &**template);
            }
            None => {
                span.record("otel.name", self.method);
            }
        }
        let uri = request.uri();
        span.record("server.address", uri.host());
        span.record("server.port", port(uri));
        let attempt = Attempt::of(request.extensions()).get();
        if self.settings.scope == Scope::Attempt && attempt > 1 {
            span.record("http.request.resend_count", attempt - 1);
        }
    }

    /// Records and reports how the call or attempt ended.
    pub(super) fn end<R>(&mut self, result: &Result<Response<R>, BoxError>) {
        match result {
            Ok(response) => {
                // A plain success has no outcome: it was one send.
                let sends = Outcome::of(response.extensions()).map(|outcome| outcome.sends);
                if let (Scope::Call, Some(sends @ 2..)) = (self.settings.scope, sends) {
                    self.span.record("http.request.resend_count", sends - 1);
                }
                self.responded(response.status());
            }
            Err(error) => self.failed(failure(&**error)),
        }
    }

    /// Records a response.
    fn responded(&mut self, status: StatusCode) {
        self.span
            .record("http.response.status_code", status.as_u16());
        if let Some(status) = failure_status(status) {
            self.span.record("error.type", status.as_str());
            self.span.record("otel.status_code", "ERROR");
        }
        self.tell(Some(status), None);
    }

    /// Records the end without a response.
    fn failed(&mut self, what: &'static str) {
        self.span.record("error.type", what);
        self.span.record("otel.status_code", "ERROR");
        self.tell(None, Some(what));
    }

    /// Reports the end to the observer.
    fn tell(&mut self, status: Option<StatusCode>, error: Option<&'static str>) {
        // Set first: if the observer panics, the drop reports nothing again.
        self.ended = true;
        let Some(observer) = &self.settings.observer else {
            return;
        };
        observer.on_call(&CallEvent {
            scope: self.settings.scope,
            method: self.method,
            template: self.template.as_deref(),
            status,
            error,
            took: self.begun.map_or(Duration::ZERO, |begun| begun.elapsed()),
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.ended {
            self.failed("dropped");
        }
    }
}

/// Returns the `error.type` of an error: one word of a small, fixed set.
fn failure(error: &(dyn Error + 'static)) -> &'static str {
    causes(error).find_map(known).unwrap_or("transport")
}

/// Returns the status if it is a client or server error (400 or above).
fn failure_status(status: StatusCode) -> Option<StatusCode> {
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

/// Returns the name of one error of a chain, or `None` to look at its cause.
fn known(error: &(dyn Error + 'static)) -> Option<&'static str> {
    // The outermost error that is known here names the failure. A token error
    // comes first: its source is an error of the token endpoint, and would read
    // as a failure of the API.
    if let Some(error) = error.downcast_ref::<TokenError>() {
        return Some(error.kind().as_str());
    }
    if error.is::<Refused>() {
        return Some("refused");
    }
    if error.is::<ReplayBodyError>() {
        return Some("request_body");
    }
    if error.is::<BodyBroken>() {
        return Some("response_body");
    }
    let io = error.downcast_ref::<io::Error>()?;
    Some(match io.kind() {
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::ConnectionReset => "connection_reset",
        io::ErrorKind::ConnectionAborted => "connection_aborted",
        io::ErrorKind::BrokenPipe => "broken_pipe",
        io::ErrorKind::TimedOut => "timed_out",
        io::ErrorKind::UnexpectedEof => "unexpected_eof",
        // Another kind may wrap an error that says more, so the search goes
        // down the chain.
        _ => return None,
    })
}

/// Returns the port, unless it is the scheme's default.
fn port(uri: &Uri) -> Option<u16> {
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => 0,
    };
    uri.port_u16().filter(|port| *port != usual)
}

/// Creates the span of a call. `tracing` records only the fields that the macro
/// names.
fn call_span(method: &'static str) -> Span {
    tracing::info_span!(
        "genesys_call",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method,
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        server.address = Empty,
        server.port = Empty,
        url.template = Empty,
        error.type = Empty,
    )
}

/// Creates the span of an attempt.
fn attempt_span(method: &'static str) -> Span {
    tracing::info_span!(
        "genesys_attempt",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method,
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        server.address = Empty,
        server.port = Empty,
        url.template = Empty,
        error.type = Empty,
    )
}
