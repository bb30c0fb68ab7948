use std::{
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// The time of day, advanced by tokio's clock: with a paused clock, a job of an
/// hour reports an hour.
///
/// It starts when it is first read, because a mock may be created outside of a
/// runtime.
#[derive(Default)]
pub(super) struct Clock {
    began: OnceLock<(i64, Instant)>,
}

impl Clock {
    /// Returns the milliseconds since 1970.
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
