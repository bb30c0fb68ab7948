use std::time::Duration;

/// Who wants what, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// All processes together make so many requests, each with so many in
    /// flight.
    AllAtOnce { in_flight: usize, total: usize },
    /// So many requests arrive at random times, at this part of the limit, at
    /// random processes.
    Steady { percent: u32, total: usize },
    /// Two processes make requests without a pause, ten in flight each, for so
    /// long; the others make one in so many seconds each, together 40 % of the
    /// limit.
    Mixed { duration: Duration },
}

impl Load {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::AllAtOnce { in_flight, .. } => format!("all at once, {in_flight} in flight"),
            Self::Steady { percent, .. } => format!("steady {percent} %"),
            Self::Mixed { .. } => "two batch, ten interactive".to_owned(),
        }
    }
}
