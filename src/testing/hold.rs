//! The guard that a test holds while requests wait.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

use super::{route::Route, state::Shared};

/// A guard that holds the requests at a route until it is released or dropped,
/// from [`MockGenesys::hold`](super::MockGenesys::hold).
///
/// ```
/// use http::Request;
/// use http_body_util::Empty;
/// use tower::ServiceExt;
/// use tower_genesys::testing::{MockGenesys, USERS};
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// let token = mock.mint_token();
/// let request = Request::get(mock.region().api("/api/v2/users")?)
///     .header("authorization", format!("Bearer {token}"))
///     .body(Empty::<bytes::Bytes>::new())?;
///
/// let held = mock.hold(USERS);
/// let call = tokio::spawn(mock.service().oneshot(request));
/// mock.wait_for(USERS, 1).await;
/// mock.revoke_all(); // while the request is in flight
/// held.release();
/// assert_eq!(call.await??.status(), 401);
/// assert_eq!(mock.hold(USERS).waiting(), 0);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping it releases the requests"]
pub struct Held {
    shared: Arc<Shared>,
    /// The hold in the mock's state; see `holds.rs`.
    id: u64,
    route: Route,
    /// True releases the requests.
    release: watch::Sender<bool>,
}

impl Held {
    pub(super) fn new(shared: Arc<Shared>, route: Route) -> Self {
        let (id, release) = shared.lock().holds.add(route.clone());
        Self {
            shared,
            id,
            route,
            release,
        }
    }

    /// Returns the number of requests that it holds now, without those whose
    /// callers have gone.
    pub fn waiting(&self) -> usize {
        // One of the receivers belongs to the mock.
        self.release.receiver_count().saturating_sub(1)
    }

    /// Releases all held requests.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.lock().holds.remove(self.id);
        self.release.send_replace(true);
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("route", &self.route)
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
