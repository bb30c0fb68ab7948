//! The limit as a book keeps it.

use std::time::Duration;

/// How long after the begin of its slot a send may reach the server. A book's
/// window is longer by this time, so that no window of the server has more
/// sends than the limit.
const MARGIN: Duration = Duration::from_secs(1);

/// The length of the server's window.
const MINUTE: Duration = Duration::from_secs(60);

/// A limit in the form in which a [`SlotBook`](super::SlotBook) keeps it.
///
/// ```
/// use tower_genesys::store::book::Terms;
///
/// let terms = Terms::new(300, 500); // the burst is capped at the limit
/// assert_eq!((terms.limit(), terms.burst()), (300, 300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Sends a minute, from 1 to [`MAX_LIMIT`](Self::MAX_LIMIT).
    limit: u32,
    /// Sends at once, at most the limit.
    burst: u32,
}

impl Terms {
    /// The highest limit, in sends a minute. It bounds the size of a book,
    /// which keeps a number for each slot of a window.
    pub const MAX_LIMIT: u32 = 100_000;

    /// The length of a book's window: the server's minute, and one second, in
    /// which a send uses its slot and reaches the server.
    pub const WINDOW: Duration = MINUTE.saturating_add(MARGIN);

    /// States a limit of `limit` sends a minute. After a pause, `burst` of them
    /// may go at once.
    ///
    /// The limit is raised to 1 or lowered to [`MAX_LIMIT`](Self::MAX_LIMIT) if
    /// it is outside of that range. The burst is capped at the limit.
    pub const fn new(limit: u32, burst: u32) -> Self {
        let limit = match limit {
            0 => 1,
            1..=Self::MAX_LIMIT => limit,
            _ => Self::MAX_LIMIT,
        };
        let burst = if burst < limit { burst } else { limit };
        Self { limit, burst }
    }

    /// Returns the number of sends a minute.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Returns how many of them may be sent at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// Returns terms with this limit if it is lower. The burst stays in
    /// proportion.
    pub(crate) fn lowered(self, limit: u32) -> Self {
        if limit >= self.limit {
            return self;
        }
        let burst = u64::from(self.burst) * u64::from(limit) / u64::from(self.limit);
        Self::new(limit, u32::try_from(burst).unwrap_or(limit))
    }

    /// Returns the distance between slots that are spread evenly over a window.
    pub(crate) fn gap(&self) -> Duration {
        Self::WINDOW / self.limit
    }
}
