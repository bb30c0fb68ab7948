use std::{panic::catch_unwind, time::Duration};

use futures_util::FutureExt;
use tokio::{runtime::Handle, time::sleep};

/// Whether there is a tokio runtime here, and it has timers.
///
/// There is no other way to ask than to make a timer, and to poll it, since the runtime may be on
/// its way out. Where there are none, that panics, and the
/// panic hook says so, just as it would later, with nobody to catch it: so ask no more often than
/// needed, and only when a timer is about to be made.
pub(crate) fn has_timers() -> bool {
    Handle::try_current().is_ok() && catch_unwind(|| sleep(Duration::ZERO).now_or_never()).is_ok()
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::has_timers;

    #[test]
    fn only_a_runtime_with_timers_has_timers() {
        assert!(!has_timers());
        for (mut builder, timers) in [
            (Builder::new_current_thread(), false),
            (Builder::new_multi_thread(), true),
        ] {
            if timers {
                builder.enable_time();
            }
            let runtime = builder.build().unwrap();
            assert_eq!(runtime.block_on(async { has_timers() }), timers);
        }
    }
}
