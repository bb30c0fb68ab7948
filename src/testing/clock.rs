use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// The time of day, which goes on as tokio's clock does: under a paused clock, a job that takes an
/// hour says so.
///
/// It begins when it is first asked, since a mock may be made outside of a runtime.
#[derive(Default)]
pub(super) struct Clock {
    began: OnceLock<(i64, Instant)>,
}

impl Clock {
    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        let (wall, began) = self.began.get_or_init(|| (wall(), Instant::now()));
        let since = began.elapsed().as_millis();
        wall.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }
}

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
