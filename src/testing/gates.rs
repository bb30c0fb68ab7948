use http::Method;
use tokio::sync::watch;

use super::route::Route;

/// The held routes.
#[derive(Default)]
pub(super) struct Holds {
    holds: Vec<(u64, Route, watch::Receiver<bool>)>,
    next: u64,
}

/// The guards that one request waits for.
pub(super) struct Gates(Vec<watch::Receiver<bool>>);

impl Holds {
    /// Holds a route until the sender is used or dropped.
    pub(super) fn add(&mut self, route: Route) -> (u64, watch::Sender<bool>) {
        let (gate, receiver) = watch::channel(false);
        self.next += 1;
        self.holds.push((self.next, route, receiver));
        (self.next, gate)
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.holds.retain(|(held, _, _)| *held != id);
    }

    pub(super) fn gates(&self, method: &Method, path: &str) -> Gates {
        let held = self.holds.iter();
        let gates = held.filter(|(_, route, _)| route.matches(method, path));
        Gates(gates.map(|(_, _, gate)| gate.clone()).collect())
    }
}

impl Gates {
    pub(super) async fn pass(self) {
        for mut gate in self.0 {
            // An error means that the guard was dropped, which releases the
            // request too.
            let _ = gate.wait_for(|&released| released).await;
        }
    }
}
