use std::time::Duration;

/// How long after its time a slot may still be used, and on its way to the server. A book counts
/// windows longer by it, so that the server never sees more than the limit in one of its own.
const MARGIN: Duration = Duration::from_secs(1);

/// The server's window.
const MINUTE: Duration = Duration::from_secs(60);

/// A limit in the form in which a [`SlotBook`](super::SlotBook) keeps it.
///
/// An example: [`book`](crate::store::book).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    limit: u32,
    burst: u32,
}

impl Terms {
    /// The highest limit: a book keeps a number for each request of a window.
    pub const MAX_LIMIT: u32 = 100_000;

    /// How long a window of a book is: a minute, and a second for the way to the server.
    pub const WINDOW: Duration = MINUTE.saturating_add(MARGIN);

    /// This many requests in a minute, of which `burst` may go at once after a time of rest. At
    /// least one, at most [`MAX_LIMIT`](Self::MAX_LIMIT); a burst is never above the limit.
    pub const fn new(limit: u32, burst: u32) -> Self {
        let limit = match limit {
            0 => 1,
            1..=Self::MAX_LIMIT => limit,
            _ => Self::MAX_LIMIT,
        };
        let burst = if burst < limit { burst } else { limit };
        Self { limit, burst }
    }

    /// How many requests in a minute.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many of them may go at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The same with a lower limit, if it is lower. The burst stays in proportion.
    pub(crate) fn lowered(self, limit: u32) -> Self {
        if limit >= self.limit {
            return self;
        }
        let burst = u64::from(self.burst) * u64::from(limit) / u64::from(self.limit);
        Self::new(limit, u32::try_from(burst).unwrap_or(limit))
    }

    /// How far apart slots are when a window is used up evenly.
    pub(crate) fn gap(&self) -> Duration {
        Self::WINDOW / self.limit
    }
}
