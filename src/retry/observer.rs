use std::{fmt::Debug, time::Duration};

use http::Method;

use super::{Class, Stop};

/// Is told what the layer does, to count it or to write it down.
///
/// It is called in the midst of a call, so it should return soon.
///
/// A closure is one:
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
    /// Something happened.
    fn on_event(&self, event: &RetryEvent<'_>);
}

impl<F: Fn(&RetryEvent<'_>) + Send + Sync> RetryObserver for F {
    fn on_event(&self, event: &RetryEvent<'_>) {
        self(event);
    }
}

/// What a [`RetryObserver`] is told.
///
/// No event holds a query, a header or a body. An endpoint is the key that the
/// [`Throttle`](super::Throttle) made, by default the method, the host with its port, and the path
/// without ids: `GET api.mypurecloud.com/api/v2/users/{id}`.
///
/// An example is at [`RetryObserver`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RetryEvent<'a> {
    /// The request failed, and will be sent again.
    #[non_exhaustive]
    Scheduled {
        /// Its method.
        method: &'a Method,
        /// How it failed.
        class: Class,
        /// How many times it was sent so far.
        sends: u32,
        /// How long it will be until the next time, or a little longer.
        wait: Duration,
    },
    /// The token was refused and a newer one is there: the request is sent again at once.
    #[non_exhaustive]
    Resent {
        /// Its method.
        method: &'a Method,
        /// How many times it was sent so far.
        sends: u32,
    },
    /// The request failed, and the failure is returned to the caller.
    #[non_exhaustive]
    GaveUp {
        /// Its method.
        method: &'a Method,
        /// How it failed.
        class: Class,
        /// How many times it was sent.
        sends: u32,
        /// Why it is not sent again.
        stop: Stop,
    },
    /// The server throttles: requests to this endpoint are held.
    #[non_exhaustive]
    GateClosed {
        /// What is held.
        endpoint: &'a str,
        /// For how long.
        wait: Duration,
    },
    /// The body of a 429 has named a limit, and all requests that it is about are held, instead of
    /// those to one endpoint.
    #[non_exhaustive]
    Widened {
        /// The limit's name.
        limit: &'a str,
        /// For how long.
        wait: Duration,
    },
    /// A request waits at a closed gate.
    #[non_exhaustive]
    Held {
        /// What it is for.
        endpoint: &'a str,
        /// How long it will be, as the queue is now.
        wait: Duration,
    },
    /// A request that was held goes on.
    #[non_exhaustive]
    Released {
        /// How long it was held.
        waited: Duration,
    },
}
