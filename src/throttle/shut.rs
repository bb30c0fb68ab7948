use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many throttles of this process may hold a send back.
///
/// While none does, no send looks at its throttle. With thousands of
/// organisations in turn, that is one wait for memory less for each request.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether no throttle of this process holds anything back.
#[inline]
pub(super) fn none_is() -> bool {
    // Whoever has seen a gate close sees the count that went up before.
    COUNT.load(Ordering::Acquire) == 0
}

/// Whether this throttle may hold a send back. Counted until it is dropped.
pub(super) struct Shut {
    is: AtomicBool,
}

impl Shut {
    pub(super) fn new(is: bool) -> Self {
        let shut = Self {
            is: AtomicBool::new(false),
        };
        shut.set(is);
        shut
    }

    pub(super) fn set(&self, is: bool) {
        self.count(is, &COUNT);
    }

    fn count(&self, is: bool, count: &AtomicUsize) {
        match (self.is.swap(is, Ordering::AcqRel), is) {
            (false, true) => {
                count.fetch_add(1, Ordering::AcqRel);
            }
            (true, false) => {
                count.fetch_sub(1, Ordering::AcqRel);
            }
            (true, true) | (false, false) => {}
        }
    }
}

#[cfg(test)]
impl Shut {
    pub(super) fn is(&self) -> bool {
        self.is.load(Ordering::Acquire)
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        self.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_counts_once_however_often_it_is_shut() {
        let (shut, count) = (Shut::new(false), AtomicUsize::new(7));
        let counted = [true, true, false, false, true, false].map(|is| {
            shut.count(is, &count);
            count.load(Ordering::Acquire)
        });
        assert_eq!(counted, [8, 8, 7, 7, 8, 7]);
    }

    #[test]
    fn while_one_is_shut_all_look_at_theirs() {
        let shut = Shut::new(true);
        assert!(!none_is());
        drop(shut);
    }
}
