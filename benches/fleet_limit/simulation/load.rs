use std::time::Duration;

/// The requests that the processes want to send, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// All processes together send `total` requests, and each keeps `in_flight`
    /// of them in flight.
    AllAtOnce { in_flight: usize, total: usize },
    /// `total` requests arrive at random times and processes, at this
    /// percentage of the limit.
    Steady { percent: u32, total: usize },
    /// Two processes send requests without a pause for this time, with ten in
    /// flight each. The others send requests at a steady pace, together 40 % of
    /// the limit.
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
