use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
/// What a follower may lose after the leader is done.
const LONGEST: Duration = Duration::from_millis(250);

/// How long a follower waits before it looks again: by chance, so that not all look at once, and longer each time.
#[derive(Debug)]
pub(super) struct Polling {
    ceiling: Duration,
}

impl Polling {
    pub(super) const fn new() -> Self {
        Self { ceiling: FIRST }
    }

    /// `left`: how long the leader has at most.
    pub(super) fn next(&mut self, left: Duration) -> Duration {
        let wait = self.ceiling.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.ceiling = (self.ceiling * 3 / 2).min(LONGEST);
        wait.min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_tenth_to_a_quarter_of_a_second_and_end_with_the_lease() {
        let mut polling = Polling::new();
        let hour = Duration::from_secs(3600);
        let waits: Vec<_> = (0..100).map(|_| polling.next(hour).as_millis()).collect();
        assert!((50..=100).contains(&waits[0]), "{waits:?}");
        assert!(
            waits[5..].iter().all(|wait| (125..=250).contains(wait)),
            "{waits:?}"
        );
        let left = Duration::from_millis(7);
        assert_eq!(polling.next(left), left);
    }
}
