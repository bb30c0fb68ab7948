use std::{fmt, sync::Arc};

use http::Method;
use tokio::sync::watch;

use super::{route::Route, state::Shared};

/// Keeps the requests at a route unanswered until it is released or dropped; see
/// [`MockGenesys::hold`](super::MockGenesys::hold).
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
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping it releases the requests"]
pub struct Held {
    shared: Arc<Shared>,
    id: u64,
    route: Route,
    gate: watch::Sender<bool>,
}

/// The routes that are held now.
#[derive(Default)]
pub(super) struct Holds {
    holds: Vec<(u64, Route, watch::Receiver<bool>)>,
    next: u64,
}

/// What one request has to wait for.
pub(super) struct Gates(Vec<watch::Receiver<bool>>);

impl Holds {
    pub(super) fn gates(&self, method: &Method, path: &str) -> Gates {
        let held = self.holds.iter();
        let gates = held.filter(|(_, route, _)| route.matches(method, path));
        Gates(gates.map(|(_, _, gate)| gate.clone()).collect())
    }
}

impl Gates {
    pub(super) async fn pass(self) {
        for mut gate in self.0 {
            // An error says that the guard is gone, which releases as well.
            let _ = gate.wait_for(|&released| released).await;
        }
    }
}

impl Held {
    pub(super) fn new(shared: Arc<Shared>, route: Route) -> Self {
        let (gate, receiver) = watch::channel(false);
        let mut state = shared.lock();
        state.holds.next += 1;
        let id = state.holds.next;
        state.holds.holds.push((id, route.clone(), receiver));
        drop(state);
        Self {
            shared,
            id,
            route,
            gate,
        }
    }

    /// How many requests are held by it now; those that were given up are not among them.
    pub fn waiting(&self) -> usize {
        // One receiver is the mock's own.
        self.gate.receiver_count().saturating_sub(1)
    }

    /// Lets all of them be handled, now.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.holds.holds.retain(|(id, _, _)| *id != self.id);
        drop(state);
        self.gate.send_replace(true);
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
