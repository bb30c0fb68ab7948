use std::time::Duration;

use http::{Method, StatusCode};

/// Is told how long each call or attempt took.
///
/// It is called when the head of the answer is there, so it should return soon. A closure is one:
///
/// ```
/// use tower_genesys::{SpanLayer, spans::CallEvent};
///
/// let layer = SpanLayer::calls().with_observer(|event: &CallEvent<'_>| {
///     eprintln!("{} {:?}: {:?}", event.method, event.template, event.took);
/// });
/// # let _ = layer;
/// ```
pub trait CallObserver: Send + Sync {
    /// A call or an attempt has ended.
    fn on_call(&self, event: &CallEvent<'_>);
}

impl<F: Fn(&CallEvent<'_>) + Send + Sync> CallObserver for F {
    fn on_call(&self, event: &CallEvent<'_>) {
        self(event);
    }
}

/// How one call or attempt went.
///
/// It holds no path, query, header or body. An example is at [`CallObserver`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallEvent<'a> {
    /// Whether it was a call or one of its attempts.
    pub scope: Scope,
    /// The method of the request; `_OTHER` for one that HTTP does not define.
    pub method: &'static str,
    /// The path with ids left out, if there is a template for it.
    pub template: Option<&'a str>,
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// What failed, if there was no answer: the `error.type` of the span.
    pub error: Option<&'static str>,
    /// From the first poll to the head of the answer, or to the end without one.
    pub took: Duration,
}

/// What a [`SpanLayer`](crate::SpanLayer) observes.
///
/// An example is at [`CallObserver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// A call, with all its attempts and waits.
    Call,
    /// One time that the request is sent.
    Attempt,
}

impl Scope {
    /// The name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Attempt => "attempt",
        }
    }
}

/// The name of a method, of which there are few.
pub(super) fn method_name(method: &Method) -> &'static str {
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
