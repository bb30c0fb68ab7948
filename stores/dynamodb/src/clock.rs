//! The clock of the store: the process's own, corrected by DynamoDB's `Date`
//! header.
//!
//! DynamoDB has no clock that a condition could read. Its header has only whole
//! seconds, so the process's clock supplies the rest, within those limits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};

/// The resolution of `Date`, which is rounded down to seconds.
const RESOLUTION: Duration = Duration::from_secs(1);

/// The `Date` of the response to one operation, in seconds since 1970; 0 if the
/// response has no readable one. Clones share it: the store keeps one, and
/// gives the other to the SDK.
#[derive(Clone, Debug, Default)]
pub(crate) struct DateHeader(Arc<AtomicU64>);

impl DateHeader {
    /// Returns the time since 1970, after the response has arrived.
    pub(crate) fn now(&self) -> Duration {
        let own = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let own = own.unwrap_or_default();
        match self.0.load(Ordering::Relaxed) {
            // Without a readable header, only the process's clock remains.
            0 => own,
            seconds => within(own, Duration::from_secs(seconds)),
        }
    }
}

/// Returns the time closest to the process's own that fits the header.
fn within(own: Duration, date: Duration) -> Duration {
    own.clamp(date, date + RESOLUTION)
}

impl Intercept for DateHeader {
    fn name(&self) -> &'static str {
        "DateHeader"
    }

    /// Stores the date. Runs for each attempt, so that the last response
    /// decides.
    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = context.response().headers().get("date");
        let date = header.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let seconds = date.and_then(|date| u64::try_from(date.secs()).ok());
        self.0.store(seconds.unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_fits_the_header_is_exact_and_a_wrong_one_is_corrected() {
        let date = Duration::from_secs(1_800_000_000);
        let ms = Duration::from_millis;
        for (own, expected) in [
            (date, date),
            (date + ms(437), date + ms(437)),
            (date + ms(1000), date + ms(1000)),
            (date + ms(300_000), date + ms(1000)),
            (date - ms(1), date),
            (Duration::ZERO, date),
        ] {
            assert_eq!(within(own, date), expected, "{own:?}");
        }
    }
}
