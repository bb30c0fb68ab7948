use std::sync::Arc;

use tokio::time::Instant;

use crate::throttle::{NamedLimit, Throttle};

/// A gate that a 429 has closed.
pub(super) struct Closed {
    pub(super) throttle: Throttle,
    pub(super) endpoint: Arc<str>,
    /// Until when at least, and until when.
    pub(super) times: [Instant; 2],
}

impl Closed {
    pub(super) fn report(&self, named: Option<&NamedLimit>) {
        self.throttle.report(&self.endpoint, named, self.times[0]);
    }
}
