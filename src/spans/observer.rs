use std::time::Duration;

use http::{Method, StatusCode};

/// Observes how each call or attempt ended and how long it took.
///
/// The layer calls it before it returns the response, so it should return
/// quickly. Closures implement it:
///
/// ```
/// use std::sync::mpsc;
/// use http::{Request, Response, StatusCode};
/// use tower::{BoxError, Layer, ServiceExt, service_fn};
/// use tower_genesys::{SpanLayer, spans::{CallEvent, Scope}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let (sender, events) = mpsc::channel();
/// let layer = SpanLayer::calls().with_observer(move |event: &CallEvent<'_>| {
///     let _ = sender.send((event.scope, event.method, event.status));
/// });
/// let client = service_fn(|_| async {
///     Ok::<_, BoxError>(Response::new(()))
/// });
/// layer.layer(client).oneshot(Request::get("https://host/").body(())?).await?;
/// assert_eq!(events.recv()?, (Scope::Call, "GET", Some(StatusCode::OK)));
/// # Ok(())
/// # }
/// ```
pub trait CallObserver: Send + Sync {
    /// Called once at the end of each call or attempt, also if its future is
    /// dropped.
    fn on_call(&self, event: &CallEvent<'_>);
}

impl<F: Fn(&CallEvent<'_>) + Send + Sync> CallObserver for F {
    fn on_call(&self, event: &CallEvent<'_>) {
        self(event);
    }
}

/// The end of one call or attempt, as reported to a [`CallObserver`].
///
/// It contains no path, query, header or body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEvent<'a> {
    /// Whether this was a call or one of its attempts.
    pub scope: Scope,
    /// The method of the request; `_OTHER` for one that HTTP does not define.
    pub method: &'static str,
    /// The path template; `None` if no template matches.
    pub template: Option<&'a str>,
    /// The status of the response; `None` without a response.
    pub status: Option<StatusCode>,
    /// The [`error.type`](super#what-is-in-a-span) of the span, if there was no
    /// response.
    pub error: Option<&'static str>,
    /// The time from the first poll to the response's head, or to the failure.
    /// Zero if the future was never polled.
    pub took: Duration,
}

/// The kind of work that a [`SpanLayer`](crate::SpanLayer) observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// A call, with all its attempts and waits.
    Call,
    /// One attempt of a call.
    Attempt,
}

impl Scope {
    /// Returns the name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Attempt => "attempt",
        }
    }
}

/// Returns the name of a method that HTTP defines, or `_OTHER`. A gateway may
/// pass on any method, and each one would become a new label.
pub(crate) fn method_name(method: &Method) -> &'static str {
    const DEFINED: [(Method, &str); 9] = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::PATCH, "PATCH"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::TRACE, "TRACE"),
        (Method::CONNECT, "CONNECT"),
    ];
    let found = DEFINED.iter().find(|(defined, _)| defined == method);
    found.map_or("_OTHER", |(_, name)| name)
}
