use std::time::Duration;

use tokio::time::Instant;

/// How long after its begin a slot may be used. A book's window is one second
/// longer than the server's; the rest of that second is for the way to the
/// server.
pub(super) const VALID: Duration = Duration::from_millis(900);

/// A slot by this process's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) at: Instant,
    pub(super) until: Instant,
    /// The book's name of the slot. `None`: the process made it up.
    pub(super) name: Option<u64>,
}

impl Slot {
    /// Converts a slot of a book, which begins `wait` after its grant.
    ///
    /// The store granted it at some time between the two instants. To be safe,
    /// the slot begins by the later one, and ends by the earlier one.
    pub(super) fn reserved(
        name: u64,
        wait: Duration,
        [asked, answered]: [Instant; 2],
    ) -> Option<Self> {
        Some(Self {
            at: answered.checked_add(wait)?,
            until: asked.checked_add(wait + VALID)?,
            name: Some(name),
        })
    }

    /// Creates a slot that the process allows itself.
    pub(super) fn made_up(at: Instant) -> Self {
        Self {
            at,
            until: at + VALID,
            name: None,
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at <= now
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until < now
    }
}
