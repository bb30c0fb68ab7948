use http::Method;
use tokio::sync::watch;

use super::route::Route;

/// The routes that are held now.
#[derive(Default)]
pub(super) struct Holds {
    holds: Vec<(u64, Route, watch::Receiver<bool>)>,
    next: u64,
}

/// What one request has to wait for.
pub(super) struct Gates(Vec<watch::Receiver<bool>>);

impl Holds {
    /// Holds a route, under a number that releases it.
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
            // An error says that the guard is gone, which releases as well.
            let _ = gate.wait_for(|&released| released).await;
        }
    }
}
