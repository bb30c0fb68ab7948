//! The holds in the mock's state. A request takes a receiver of each hold that
//! is on its route when it arrives; the guard's sender releases all of them at
//! once.

use http::Method;
use tokio::sync::watch;

use super::route::Route;

/// The routes whose requests guards hold, each with an id.
#[derive(Default)]
pub(super) struct Holds {
    holds: Vec<(u64, Route, watch::Receiver<bool>)>,
    /// The id of the newest hold.
    next: u64,
}

/// The guards whose release one request waits for.
pub(super) struct Releases(Vec<watch::Receiver<bool>>);

impl Holds {
    /// Holds a route until the sender is used or dropped. Returns the id of the
    /// hold, too.
    pub(super) fn add(&mut self, route: Route) -> (u64, watch::Sender<bool>) {
        let (release, released) = watch::channel(false);
        self.next += 1;
        self.holds.push((self.next, route, released));
        (self.next, release)
    }

    /// Lets later requests pass.
    pub(super) fn remove(&mut self, id: u64) {
        self.holds.retain(|(own, _, _)| *own != id);
    }

    /// Returns the guards that hold a request now.
    pub(super) fn releases(&self, method: &Method, path: &str) -> Releases {
        let holds = self.holds.iter();
        let holds = holds.filter(|(_, route, _)| route.matches(method, path));
        Releases(holds.map(|(_, _, released)| released.clone()).collect())
    }
}

impl Releases {
    /// Waits until all of them have released the request.
    pub(super) async fn wait(self) {
        for mut released in self.0 {
            // An error means that the guard was dropped, which releases the
            // request too.
            let _ = released.wait_for(|&released| released).await;
        }
    }
}
