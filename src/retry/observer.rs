use std::{fmt::Debug, time::Duration};

use http::Method;

use super::{Class, Stop};

/// A callback for the events of a retry layer, for metrics and logs.
///
/// The layer calls it while it handles a request, so it should return quickly.
///
/// Closures implement it:
///
/// ```
/// use tower_genesys::{RetryLayer, retry::RetryEvent};
///
/// let layer = RetryLayer::default().with_observer(|event: &RetryEvent<'_>| {
///     if let RetryEvent::GaveUp { method, stop, .. } = event {
///         eprintln!("{method} failed for good: {stop:?}");
///     }
/// });
/// # let _ = layer;
/// ```
pub trait RetryObserver: Send + Sync {
    /// Receives one event.
    fn on_event(&self, event: &RetryEvent<'_>);
}

impl<F: Fn(&RetryEvent<'_>) + Send + Sync> RetryObserver for F {
    fn on_event(&self, event: &RetryEvent<'_>) {
        self(event);
    }
}

/// An event for a [`RetryObserver`], which has an example.
///
/// Events contain no query, header or body. An endpoint is the key that the
/// [`Throttle`](super::Throttle) made. By default it is the method, the host
/// with its port, and the path without ids:
/// `GET api.mypurecloud.com/api/v2/users/{id}`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RetryEvent<'a> {
    /// The request failed, and the layer will resend it.
    #[non_exhaustive]
    Scheduled {
        /// The method of the request.
        method: &'a Method,
        /// The class of the failure.
        class: Class,
        /// The number of sends so far.
        sends: u32,
        /// The wait before the resend. Another 429 may prolong it.
        wait: Duration,
    },
    /// The server refused the token and a newer one exists: the layer resends
    /// the request at once.
    #[non_exhaustive]
    Resent {
        /// The method of the request.
        method: &'a Method,
        /// The number of sends so far.
        sends: u32,
    },
    /// A resend might have helped, but the layer returns the failure to the
    /// caller. It does not report a final one, such as a 404.
    #[non_exhaustive]
    GaveUp {
        /// The method of the request.
        method: &'a Method,
        /// The class of the failure.
        class: Class,
        /// The number of sends.
        sends: u32,
        /// The reason why the layer does not resend it.
        stop: Stop,
    },
    /// The server sent a 429: the throttle holds requests to this endpoint.
    #[non_exhaustive]
    GateClosed {
        /// The endpoint whose requests wait.
        endpoint: &'a str,
        /// The time for which it is closed.
        wait: Duration,
    },
    /// The body of a 429 named a limit. The throttle now holds all requests
    /// under that limit, instead of those to one endpoint.
    #[non_exhaustive]
    Widened {
        /// The limit's name.
        limit: &'a str,
        /// The time for which it is closed.
        wait: Duration,
    },
    /// The throttle holds a request: it waits at a closed gate.
    #[non_exhaustive]
    Held {
        /// The endpoint of the request.
        endpoint: &'a str,
        /// The expected wait, estimated from the current queue.
        wait: Duration,
    },
    /// A held request, or one that waited for a slot, continues.
    #[non_exhaustive]
    Released {
        /// The time that it waited, with the backoff before.
        waited: Duration,
    },
}
